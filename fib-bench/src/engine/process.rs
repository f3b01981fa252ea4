//! The process of a runner: lines go in and come out, each exchange has a limit, and at the end
//! nothing of the process is left.

use fib_report::visible;
#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// The longest line that is accepted, in bytes. The timeline of ten million chunks is longer.
const LONGEST_LINE: u64 = 1 << 28;

/// The most time that a process may take to end after its input is closed.
pub(super) const END_LIMIT: Duration = Duration::from_millis(500);

/// The pause of a wait before it checks again whether the process has ended.
const LOOK: Duration = Duration::from_millis(100);

/// A process that reads and writes lines. Dropping this ends the process and, on Unix, every other
/// process of its process group.
#[derive(Debug)]
pub(super) struct LineProcess {
    child: Child,
    /// How the process ended, once it was waited for.
    ended: Option<ExitStatus>,
    /// Whether the process group is stopped until the next exchange.
    frozen: bool,
    /// Leads to a thread that only writes, because a process that does not read may block it for ever.
    requests: Option<SyncSender<String>>,
    /// What the process wrote, one line at a time, so that a process that writes without end fills
    /// its pipe and no memory. An error is the last event.
    events: Receiver<io::Result<String>>,
    /// The last line that the process wrote to stderr.
    last_words: Arc<Mutex<String>>,
    listener: JoinHandle<()>,
}

impl LineProcess {
    /// Starts a program with its arguments.
    ///
    /// # Errors
    /// If the system refuses the process or a thread.
    pub(super) fn spawn(command: &[OsString]) -> io::Result<Self> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| io::Error::other("there is no program to start"))?;
        let mut command = Command::new(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let no_stream = || io::Error::other("the process has no streams"); // all three were requested
        let input = child.stdin.take().ok_or_else(no_stream)?;
        let output = child.stdout.take().ok_or_else(no_stream)?;
        let errors = child.stderr.take().ok_or_else(no_stream)?;
        let (requests, to_write) = sync_channel(1);
        let (to_events, events) = sync_channel(1);
        let of_writing = to_events.clone();
        Builder::new()
            .name("requests".into())
            .spawn(move || write_lines(input, &to_write, &of_writing))?;
        Builder::new().name("replies".into()).spawn(move || read_lines(output, &to_events))?;
        let last_words = Arc::new(Mutex::new(String::new()));
        let words = Arc::clone(&last_words);
        let listener =
            Builder::new().name("complaints".into()).spawn(move || listen(errors, &words))?;
        Ok(LineProcess {
            child,
            ended: None,
            frozen: false,
            requests: Some(requests),
            events,
            last_words,
            listener,
        })
    }

    /// Sends a line and waits for a line, for at most `limit`.
    ///
    /// # Errors
    /// With [`ErrorKind::TimedOut`] if no line came in time, and with [`ErrorKind::BrokenPipe`] if
    /// the process has closed a stream.
    pub(super) fn exchange(&mut self, line: String, limit: Duration) -> io::Result<String> {
        let closed = || io::Error::from(ErrorKind::BrokenPipe);
        self.thaw();
        let requests = self.requests.as_ref().ok_or_else(closed)?;
        // A line that still waits here belongs to an exchange that has timed out.
        requests.try_send(line).map_err(|_| closed())?;
        let start = Instant::now();
        let mut ended = None;
        loop {
            // A process that it has left behind may hold its output open, so the end of the output does not
            // come. What the process has written before may still be on its way.
            if ended.is_none() && self.has_ended() {
                ended = Some(Instant::now());
            }
            let had_ended = ended.is_some_and(|moment| moment.elapsed() > END_LIMIT);
            let left = limit.saturating_sub(start.elapsed());
            match self.events.recv_timeout(left.min(LOOK)) {
                Ok(event) => return event,
                Err(RecvTimeoutError::Disconnected) => return Err(closed()),
                Err(RecvTimeoutError::Timeout) if had_ended => return Err(closed()),
                Err(RecvTimeoutError::Timeout) if left <= LOOK => {
                    return Err(ErrorKind::TimedOut.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Stops the process and its process group until the next exchange, so that threads which spin after a
    /// batch take no CPU from the process whose turn is next. If this program is killed, the system continues
    /// and hangs up a stopped group (SIGCONT, SIGHUP), unless its new parent is in the same session, as in some
    /// containers. Without effect on systems other than Unix.
    pub(super) fn freeze(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.pid().filter(|_| self.ended.is_none()) {
            self.frozen = kill_process_group(group, Signal::STOP).is_ok();
        }
    }

    /// Lets a frozen process group go on.
    pub(super) fn thaw(&mut self) {
        if !std::mem::take(&mut self.frozen) {
            return;
        }
        #[cfg(unix)]
        if let Some(group) = self.pid().filter(|_| self.ended.is_none()) {
            let _ = kill_process_group(group, Signal::CONT); // there may be nobody left
        }
    }

    /// The number of the process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last line of stderr. The wait is limited, because processes that the runner has left
    /// behind may hold stderr open.
    pub(super) fn last_words(&self) -> String {
        let start = Instant::now();
        while !self.listener.is_finished() && start.elapsed() < END_LIMIT {
            sleep(Duration::from_millis(2));
        }
        self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the input of the process and waits until the process ends. Then the rest of its
    /// process group is killed. `None` if the process has not ended within `limit`.
    pub(super) fn end(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.thaw();
        self.requests = None;
        let start = Instant::now();
        while !self.has_ended() {
            if start.elapsed() >= limit {
                return None;
            }
            sleep(Duration::from_millis(2));
        }
        self.kill()
    }

    /// Kills the process and, on Unix, its whole process group. Returns how the process ended.
    pub(super) fn kill(&mut self) -> Option<ExitStatus> {
        self.requests = None;
        // Once the process was waited for, its number may belong to another process.
        if self.ended.is_none() {
            #[cfg(unix)]
            if let Some(group) = self.pid() {
                let _ = kill_process_group(group, Signal::KILL); // there may be nobody left
            }
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
        self.ended
    }

    #[cfg(unix)]
    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Whether the process has ended. It is not waited for: as long as it is there, no other process
    /// group can have its number.
    #[cfg(unix)]
    fn has_ended(&mut self) -> bool {
        if self.ended.is_some() {
            return true;
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = self.pid().map(|pid| waitid(WaitId::Pid(pid), look));
        !matches!(status, Some(Ok(None)))
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for LineProcess {
    fn drop(&mut self) {
        // A process that ends by itself also ends its workers.
        if self.end(END_LIMIT).is_none() {
            self.kill();
        }
    }
}

/// Writes lines until there are no more requests, or the process reads no more.
fn write_lines(
    mut input: ChildStdin,
    lines: &Receiver<String>,
    events: &SyncSender<io::Result<String>>,
) {
    for line in lines {
        if let Err(error) = input.write_all(line.as_bytes()).and_then(|()| input.flush()) {
            let _ = events.send(Err(error)); // nobody waits for it after a timeout
            return;
        }
    }
}

/// Passes lines on until the output ends or a line is too long.
fn read_lines(output: ChildStdout, events: &SyncSender<io::Result<String>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = String::new();
        let event = match output.by_ref().take(LONGEST_LINE).read_line(&mut line) {
            Ok(0) => Err(ErrorKind::BrokenPipe.into()),
            Ok(_) if line.ends_with('\n') => Ok(line),
            Ok(_) => Err(io::Error::other("its reply has no end of line")),
            Err(error) => Err(io::Error::other(format!("its reply cannot be read: {error}"))),
        };
        let last = event.is_err();
        if events.send(event).is_err() || last {
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
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if let Some(warning) = text.strip_prefix("warning: ") {
            log::warn!("{}", one_line(warning));
        } else if !text.is_empty() {
            *last_words.lock().unwrap_or_else(PoisonError::into_inner) = one_line(text);
        }
        line.clear();
    }
}

/// The text as one line of at most about 200 characters, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(200) {
        Some((end, _)) => visible(&text[..end]).into_owned() + "...",
        None => visible(text).into_owned(),
    }
}
