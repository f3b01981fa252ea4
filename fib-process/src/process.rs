//! Processes: how they end, and what CPU time they have used.

use rustix::process::Signal;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take to end by itself once it was hung up on.
const FAREWELL: Duration = Duration::from_millis(500);

/// Processes that were hung up on, and when.
#[derive(Debug, Default)]
pub(crate) struct Leaving(Vec<(Child, Instant)>);

impl Leaving {
    pub(crate) fn add(&mut self, child: Child) {
        self.0.push((child, Instant::now()));
    }

    /// Forgets who has ended; who should have is killed.
    pub(crate) fn reap(&mut self) {
        self.0.retain_mut(|(child, since)| {
            let remains = matches!(child.try_wait(), Ok(None));
            if remains && since.elapsed() > FAREWELL {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
            remains
        });
    }

    /// Waits until all have ended.
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

/// How a worker ended.
pub(crate) enum Ended {
    ByItself(ExitStatus),
    /// By the pool, because of something else.
    Killed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended::ByItself(status) = self else { return write!(f, "was killed") };
        match (status.signal(), status.code()) {
            (Some(signal), _) => match name_of(signal) {
                Some(name) => write!(f, "ended by signal {signal} ({name})"),
                None => write!(f, "ended by signal {signal}"),
            },
            (None, code) => write!(f, "ended with exit code {}", code.unwrap_or_default()),
        }
    }
}

fn name_of(signal: i32) -> Option<&'static str> {
    let named = [
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
    named.into_iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| name)
}

/// CPU time that a process has used, in the system's ticks; `None` where that cannot be told.
pub(crate) fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything; behind it, user and system time are the 12th and 13th.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}
