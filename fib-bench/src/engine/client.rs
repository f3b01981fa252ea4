//! A runner as the harness sees it: a process that replies, refuses, hangs or dies.

use fib_engine::protocol::{Capabilities, PROTOCOL, Reply, Request};
use fib_report::Status;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
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

/// A process that runs batches. Dropping this ends the process.
#[derive(Debug)]
pub struct RunnerProcess {
    child: Child,
    requests: Option<ChildStdin>,
    replies: Receiver<io::Result<String>>,
    /// The last line that the process wrote to stderr.
    last_words: Arc<Mutex<String>>,
    listener: JoinHandle<()>,
}

/// The longest reply that is accepted, in bytes. The timeline of ten million chunks is longer.
const LONGEST_REPLY: u64 = 1 << 28;

/// The most time that an engine may take to start and reply to the hello.
const HELLO_LIMIT: Duration = Duration::from_secs(20);

/// The most time that a process may take to end after its input is closed.
const END_LIMIT: Duration = Duration::from_millis(500);

impl RunnerProcess {
    /// Starts `command`, a program with its arguments, and asks what it can do.
    ///
    /// # Errors
    /// If the program does not start, does not reply, or has another protocol version.
    pub fn start(command: &[OsString]) -> Result<(Self, Capabilities), Fault> {
        let spawned = spawn(command);
        let mut runner = spawned.map_err(|error| {
            let program = command.first().map(|program| program.to_string_lossy());
            let program = program.unwrap_or_default();
            Fault::new(Status::Crash, format!("cannot start {program}: {error}"))
        })?;
        let hello = Request::Hello { protocol: PROTOCOL };
        let capabilities: Capabilities = runner.ask(&hello, HELLO_LIMIT)?;
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
                self.kill();
                let message = format!("it sent an invalid reply: {}", one_line(&line));
                Err(Fault::new(Status::Crash, message))
            }
        }
    }

    fn ask_for_line(&mut self, request: &Request, limit: Duration) -> Result<String, Fault> {
        let line = serde_json::to_string(request).map_err(|e| Fault::new(Status::Crash, e))?;
        let requests = self.requests.as_mut();
        let sent = requests.is_some_and(|stdin| {
            stdin.write_all((line + "\n").as_bytes()).and_then(|()| stdin.flush()).is_ok()
        });
        if !sent {
            return Err(self.crash());
        }
        match self.replies.recv_timeout(limit) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => {
                self.kill();
                Err(Fault::new(Status::Crash, error))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.crash()),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                let message = format!("no reply within {} s", limit.as_secs_f64());
                Err(Fault::new(Status::Hang, message))
            }
        }
    }

    /// The fault of a process that closed its streams: how it ended, and the last line of its
    /// stderr.
    fn crash(&mut self) -> Fault {
        self.requests = None;
        let ended = self.end(END_LIMIT);
        self.kill();
        let end = ended.map_or("it closed its output".into(), describe_end);
        let words = self.last_words();
        let message = if words.is_empty() { end } else { format!("{end}: {words}") };
        Fault::new(Status::Crash, message)
    }

    /// The last line of stderr. The wait is limited, because processes that the runner has left
    /// behind may hold stderr open.
    fn last_words(&self) -> String {
        let start = Instant::now();
        while !self.listener.is_finished() && start.elapsed() < END_LIMIT {
            sleep(Duration::from_millis(2));
        }
        self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the input of the process and waits until the process ends.
    pub(crate) fn end(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.requests = None;
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if start.elapsed() < limit => sleep(Duration::from_millis(2)),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }

    /// Kills the process and, on Unix, its whole process group.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL); // it may have ended already
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for RunnerProcess {
    fn drop(&mut self) {
        // A process that ends by itself also ends its workers.
        if self.end(END_LIMIT).is_none() {
            self.kill();
        }
    }
}

fn spawn(command: &[OsString]) -> io::Result<RunnerProcess> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| io::Error::other("there is no program to start"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let no_stream = || io::Error::other("the process has no streams"); // all three were requested
    let requests = child.stdin.take();
    let (sender, replies) = channel();
    let output = child.stdout.take().ok_or_else(no_stream)?;
    Builder::new().name("replies".into()).spawn(move || pass_on(output, &sender))?;
    let errors = child.stderr.take().ok_or_else(no_stream)?;
    let last_words = Arc::new(Mutex::new(String::new()));
    let words = Arc::clone(&last_words);
    let listener =
        Builder::new().name("complaints".into()).spawn(move || listen(errors, &words))?;
    Ok(RunnerProcess { child, requests, replies, last_words, listener })
}

/// Passes lines on until the output ends or a line is too long.
fn pass_on(output: ChildStdout, replies: &Sender<io::Result<String>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = String::new();
        let reply = match output.by_ref().take(LONGEST_REPLY).read_line(&mut line) {
            Ok(0) => return,
            Ok(_) if line.ends_with('\n') => Ok(line),
            Ok(_) => Err(io::Error::other("its reply has no end of line")),
            Err(error) => Err(io::Error::other(format!("its reply cannot be read: {error}"))),
        };
        let last = reply.is_err();
        if replies.send(reply).is_err() || last {
            return;
        }
    }
}

/// Reads the stderr of a process. Warnings of our own engine are logged. The last other line is
/// kept, because it says why the process has died.
fn listen(errors: ChildStderr, last_words: &Mutex<String>) {
    let mut errors = BufReader::new(errors);
    let mut line = vec![];
    // Lines are read in pieces of at most 64 KiB, so an endless line takes no memory.
    while errors.by_ref().take(1 << 16).read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if let Some(warning) = text.strip_prefix("warning: ") {
            log::warn!("{warning}");
        } else if !text.is_empty() {
            *last_words.lock().unwrap_or_else(PoisonError::into_inner) = one_line(&text);
        }
        line.clear();
    }
}

/// The text as one line of at most 200 characters, without control characters.
fn one_line(text: &str) -> String {
    let text = text.trim();
    let line: String =
        text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(200).is_some() { line + "..." } else { line }
}

fn describe_end(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("it was killed by signal {signal}");
    }
    status.code().map_or("it ended".into(), |code| format!("it exited with code {code}"))
}
