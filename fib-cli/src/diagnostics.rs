//! Prints errors and warnings on stderr: visible text, and each warning once.

use fib_report::visible;
use indicatif::ProgressBar;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::HashSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// The most different warnings that are printed. A run with more of them has gone wrong.
const MOST_WARNINGS: usize = 100;

/// Prints each text once, as `warning: ...`. Otherwise a machine that refuses threads would print
/// the same warning for every batch.
struct Stderr {
    printed: Mutex<Option<HashSet<String>>>,
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = printed.get_or_insert_default();
        if !self.enabled(record.metadata()) || printed.len() > MOST_WARNINGS {
            return;
        }
        if printed.insert(text.clone()) {
            match printed.len() <= MOST_WARNINGS {
                true => say(&format!("warning: {text}")),
                false => say("warning: there are more warnings, which are not shown"),
            }
        }
    }

    fn flush(&self) {}
}

static STDERR: Stderr = Stderr { printed: Mutex::new(None) };

/// Prints the warnings of every crate on stderr, unless `quiet`.
pub(crate) fn install_logger(quiet: bool) {
    // This is the only call, so there is no other logger.
    let _ = log::set_logger(&STDERR);
    log::set_max_level(if quiet { LevelFilter::Off } else { LevelFilter::Warn });
}

/// The progress bar that stands on the last line of the terminal.
static PROGRESS: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Lets `bar` stand below what this program says from now on.
pub(crate) fn show(bar: &ProgressBar) {
    *PROGRESS.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
}

/// Removes the progress bar, if there is one.
pub(crate) fn clear() {
    if let Some(bar) = PROGRESS.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

/// Prints one line on stderr, with control characters made visible. If stderr is closed too, the line
/// is lost.
pub(crate) fn say(line: &str) {
    let line = visible(line);
    #[allow(clippy::explicit_write)] // `eprintln!` panics on a closed stderr
    let write = || drop(writeln!(std::io::stderr(), "{line}"));
    match &*PROGRESS.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Keeps panics from printing. A panic that is caught is reported as an error.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
