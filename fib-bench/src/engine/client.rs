//! A runner as the harness sees it: a process that replies, refuses, hangs or dies.

use super::process::{END_LIMIT, LineProcess, one_line};
use fib_engine::protocol::{Capabilities, PROTOCOL, Reply, Request};
use fib_report::Status;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::fs::{read_dir, read_to_string};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What kind of failure it is.
    pub status: Status,
    /// What happened, in one line.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(status: Status, message: impl ToString) -> Self {
        Fault { status, message: message.to_string() }
    }
}

/// A process that runs batches. Dropping this ends the process and, on Unix, every other process of
/// its process group.
#[derive(Debug)]
pub struct RunnerProcess(LineProcess);

/// The most time that an engine may take to start and reply to the hello.
const HELLO_LIMIT: Duration = Duration::from_secs(20);

impl RunnerProcess {
    /// Starts `command`, a program with its arguments, and asks what it can do.
    ///
    /// # Errors
    /// If the program does not start, does not reply, or has another protocol version.
    pub fn start(command: &[OsString]) -> Result<(Self, Capabilities), Fault> {
        let spawned = LineProcess::spawn(command).map(RunnerProcess);
        let mut runner = spawned.map_err(|error| {
            let program = command.first().map(|program| program.to_string_lossy());
            let program = program.unwrap_or_default();
            Fault::new(Status::Crash, format!("cannot start {program}: {error}"))
        })?;
        let hello = Request::Hello { protocol: PROTOCOL };
        let mut capabilities: Capabilities = runner.ask(&hello, HELLO_LIMIT)?;
        capabilities.version = one_line(&capabilities.version);
        if capabilities.protocol != PROTOCOL {
            let other = capabilities.protocol;
            let message = format!("it speaks protocol {other}, not {PROTOCOL}");
            return Err(Fault::new(Status::Refused, message));
        }
        Ok((runner, capabilities))
    }

    /// Sends a request and waits for its reply, for at most `limit`.
    ///
    /// # Errors
    /// With [`Status::Refused`], the reason that the engine gives. With any other status the
    /// process has ended.
    pub fn ask<T: DeserializeOwned>(
        &mut self,
        request: &Request,
        limit: Duration,
    ) -> Result<T, Fault> {
        let line = self.ask_for_line(request, limit)?;
        match serde_json::from_str::<Reply<T>>(&line) {
            Ok(Reply::Done(reply)) => Ok(reply),
            Ok(Reply::Refused { error }) => Err(Fault::new(Status::Refused, one_line(&error))),
            Err(_) => {
                self.0.kill();
                let message = format!("it sent an invalid reply: {}", one_line(&line));
                Err(Fault::new(Status::Crash, message))
            }
        }
    }

    fn ask_for_line(&mut self, request: &Request, limit: Duration) -> Result<String, Fault> {
        let line = serde_json::to_string(request).map_err(|e| Fault::new(Status::Crash, e))?;
        self.0.exchange(line + "\n", limit).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => self.crash(),
            ErrorKind::TimedOut => {
                self.0.kill();
                let message = format!("no reply within {} s", limit.as_secs_f64());
                Fault::new(Status::Hang, message)
            }
            _ => {
                self.0.kill();
                Fault::new(Status::Crash, error)
            }
        })
    }

    /// The fault of a process that closed its streams: how it ended, and the last line of its
    /// stderr.
    fn crash(&mut self) -> Fault {
        let ended = self.0.end(END_LIMIT);
        self.0.kill();
        let end = ended.map_or("it closed its output".into(), describe_end);
        let words = self.0.last_words();
        let message = match words.strip_prefix("error: ") {
            Some(error) => error.into(), // this says it all
            None if words.is_empty() => end,
            None => format!("{end}: {words}"),
        };
        Fault::new(Status::Crash, message)
    }

    /// Stops the process and its workers until the next request.
    pub(crate) fn freeze(&mut self) {
        self.0.freeze();
    }

    /// Lets a frozen process and its workers go on for a moment, and returns this moment and the CPU time that
    /// they used in it. `None` if the system cannot tell.
    pub(crate) fn idle_cpu(&mut self) -> Option<(Duration, Duration)> {
        /// A team of threads that spins does so for milliseconds after a batch.
        const MOMENT: Duration = Duration::from_millis(20);
        let (start, before) = (Instant::now(), group_cpu(self.0.id())?);
        self.0.thaw();
        std::thread::sleep(MOMENT);
        self.0.freeze();
        let used = group_cpu(self.0.id())?.saturating_sub(before);
        Some((start.elapsed(), used))
    }

    /// Closes the input of the process and waits until the process ends.
    pub(crate) fn end(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.0.end(limit)
    }
}

/// The CPU time of all threads of a process group so far (Linux).
fn group_cpu(group: u32) -> Option<Duration> {
    let in_group = |process: &PathBuf| {
        let stat = read_to_string(process.join("stat")).unwrap_or_default();
        // The name may hold blanks and parentheses. After it come the state, the parent and the group.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(2).and_then(|text| text.parse().ok()) == Some(group)
    };
    let entries =
        |folder: PathBuf| read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let processes: Vec<PathBuf> = entries("/proc".into()).filter(in_group).collect();
    let threads = processes.iter().flat_map(|process| entries(process.join("task")));
    let cpu_ns = |thread: PathBuf| -> Option<u64> {
        read_to_string(thread.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    let times: Vec<u64> = threads.filter_map(cpu_ns).collect();
    (!times.is_empty()).then(|| Duration::from_nanos(times.iter().sum()))
}

fn describe_end(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("it was killed by signal {signal}");
    }
    status.code().map_or("it ended".into(), |code| format!("it exited with code {code}"))
}
