//! What goes to stderr besides errors: warnings, each once.

use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Prints `warning: ...`, each text once: a scarce machine would say the same for every batch.
struct Stderr {
    said: Mutex<Option<HashSet<String>>>,
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if self.enabled(record.metadata()) && said.get_or_insert_default().insert(text.clone()) {
            say(&format!("warning: {text}"));
        }
    }

    fn flush(&self) {}
}

static STDERR: Stderr = Stderr { said: Mutex::new(None) };

/// Warnings of every crate go to stderr, unless `quiet`.
pub(crate) fn install_logger(quiet: bool) {
    // It is installed once, so nobody was there before.
    let _ = log::set_logger(&STDERR);
    log::set_max_level(if quiet { LevelFilter::Off } else { LevelFilter::Warn });
}

/// One line on stderr. If even that is closed, nobody is left to be told.
#[allow(clippy::explicit_write)] // `eprintln!` panics on a closed stderr
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A captured panic is reported as the failure it is; it prints nothing of its own.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}
