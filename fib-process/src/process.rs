//! Worker processes: how they end, and how much CPU time they have used.

use crate::serve::FAILURE_CODE;
use rustix::process::Signal;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a dismissed worker may take to end by itself. After this time it is killed.
const DISMISSAL_GRACE: Duration = Duration::from_millis(500);

/// Workers whose socket the pool has closed, and when it did so.
#[derive(Debug, Default)]
pub(crate) struct DismissedWorkers(Vec<(Child, Instant)>);

impl DismissedWorkers {
    pub(crate) fn add(&mut self, child: Child) {
        self.0.push((child, Instant::now()));
    }

    /// Forgets the workers that have ended, and kills the workers that have not ended in time.
    pub(crate) fn reap(&mut self) {
        self.0.retain_mut(|(child, dismissed)| {
            let remains = matches!(child.try_wait(), Ok(None));
            if remains && dismissed.elapsed() > DISMISSAL_GRACE {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
            remains
        });
    }

    /// Waits until all of them have ended.
    pub(crate) fn wait(&mut self) {
        let mut pause = Duration::from_micros(50);
        loop {
            self.reap();
            if self.0.is_empty() {
                return;
            }
            sleep(pause);
            pause = (2 * pause).min(Duration::from_millis(5));
        }
    }
}

/// How a worker ended. The text completes a sentence that begins with "the worker".
pub(crate) enum WorkerEnd {
    /// The worker had ended before the pool killed it.
    Exited(ExitStatus),
    /// The pool killed the worker, for a reason of its own.
    Killed,
}

impl WorkerEnd {
    /// Whether the worker exited without a reason of its own: no signal ended it, and it did not say on
    /// standard error why it cannot serve.
    pub(crate) fn is_unexplained(&self) -> bool {
        matches!(self, WorkerEnd::Exited(status) if status.code().is_some_and(|code| code != FAILURE_CODE))
    }
}

impl fmt::Display for WorkerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorkerEnd::Exited(status) = self else { return write!(f, "was killed by the pool") };
        match (status.signal(), status.code()) {
            (Some(signal), _) => match signal_name(signal) {
                Some(name) => write!(f, "was killed by SIG{name}"),
                None => write!(f, "was killed by signal {signal}"),
            },
            (None, code) => write!(f, "exited with code {}", code.unwrap_or_default()),
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    let names = [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::ILL, "ILL"),
        (Signal::ABORT, "ABRT"),
        (Signal::BUS, "BUS"),
        (Signal::FPE, "FPE"),
        (Signal::KILL, "KILL"),
        (Signal::SEGV, "SEGV"),
        (Signal::PIPE, "PIPE"),
        (Signal::TERM, "TERM"),
    ];
    names.into_iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| name)
}

/// The CPU time that a process has used, in ticks of the system; `None` where the system does not
/// tell it.
pub(crate) fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the process ends at the last parenthesis, because it may itself contain any
    // character. After the name, user time and system time are the 12th and the 13th field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}
