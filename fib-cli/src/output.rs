//! Everything that a command writes goes through this module. It notices every error, has patience
//! with a slow reader, never writes a part of a record again after an error, and knows the width of
//! the terminal.

use crate::args::ColorChoice;
use crate::failure::NotWritten;
use crate::stdout;
use fib_report::Page;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tempfile::NamedTempFile;

/// Records are collected up to this many bytes before they are written.
const COLLECTED_BYTES: usize = 64 << 10;

/// Runs `write` on standard output and flushes it.
///
/// # Errors
/// [`NotWritten`] if anything could not be written.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    to_target(Target::stdout()?, write)
}

/// Runs `write` on `target` and finishes it.
///
/// # Errors
/// [`NotWritten`] if anything could not be written.
pub(crate) fn to_target(
    target: Target,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let name = target.name.clone();
    let mut out = BufWriter::with_capacity(COLLECTED_BYTES, target);
    let outcome = write(&mut out).and_then(|()| out.flush());
    let (target, _unwritten) = out.into_parts(); // dropping the writer would try to write again
    outcome.map_err(|source| NotWritten { target: name, source })?;
    Ok(target.finish()?)
}

/// Where results go.
pub(crate) struct Target {
    /// The name of a file, or "to standard output".
    name: String,
    kind: Kind,
}

enum Kind {
    Stdout,
    /// A device or a FIFO, which is written directly.
    Special(File),
    /// A file beside `path`, which takes the place of `path` in the end.
    Replacement {
        file: NamedTempFile,
        path: PathBuf,
    },
}

impl Target {
    /// Standard output.
    ///
    /// # Errors
    /// [`NotWritten`] if it was closed when the program started.
    pub(crate) fn stdout() -> Result<Self, NotWritten> {
        let target = Target { name: "to standard output".into(), kind: Kind::Stdout };
        if stdout::was_closed() {
            return Err(target.not_written(io::Error::other("it is closed")));
        }
        Ok(target)
    }

    /// The file at `path`, or standard output if there is no path. Links are followed.
    ///
    /// A regular file appears under its name in [`finish`](Self::finish), whole. Until then a file
    /// that exists stays as it is.
    ///
    /// # Errors
    /// [`NotWritten`] if the file cannot be created.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, NotWritten> {
        let Some(path) = path.filter(|path| *path != Path::new("/dev/stdout")) else {
            return Target::stdout();
        };
        let name = path.display().to_string();
        match Kind::open(path) {
            Ok(kind) => Ok(Target { name, kind }),
            Err(source) => Err(NotWritten { target: name, source }),
        }
    }

    fn not_written(&self, source: io::Error) -> NotWritten {
        NotWritten { target: self.name.clone(), source }
    }

    /// Gives a file its name, after everything in it has reached the disk.
    ///
    /// # Errors
    /// [`NotWritten`] if the system refuses this. A file that existed is still there.
    pub(crate) fn finish(self) -> Result<(), NotWritten> {
        let Target { name, kind: Kind::Replacement { file, path } } = self else { return Ok(()) };
        let synced = file.as_file().sync_all();
        let renamed = synced.and_then(|()| file.persist(path).map_err(|error| error.error));
        renamed.map(drop).map_err(|source| NotWritten { target: name, source })
    }
}

/// The temporary file, as long as it has not got its name.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the temporary file, for a program that ends without dropping its values. This never waits:
/// the program may end while it holds the lock.
pub(crate) fn remove_unfinished() {
    let unfinished = UNFINISHED.try_lock().ok().and_then(|mut file| file.take());
    if let Some(file) = unfinished {
        let _ = fs::remove_file(file); // if this fails, there is nothing left to try
    }
}

impl Kind {
    fn open(path: &Path) -> io::Result<Self> {
        let existing = fs::metadata(path).ok();
        if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
            return Ok(Kind::Special(OpenOptions::new().write(true).open(path)?));
        }
        let path = followed(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".fib-");
        if let Some(permissions) = usual() {
            builder.permissions(permissions);
        }
        let created = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
        // The error names a file that the user has never heard of.
        let file = created.map_err(|error| error.kind())?;
        if let Some(existing) = existing {
            file.as_file().set_permissions(existing.permissions())?;
        }
        if let Ok(mut unfinished) = UNFINISHED.lock() {
            *unfinished = Some(file.path().to_path_buf());
        }
        Ok(Kind::Replacement { file, path })
    }
}

/// The permissions of a new file, which the system restricts further by the umask.
#[cfg(unix)]
fn usual() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn usual() -> Option<Permissions> {
    None
}

/// The path behind links, even if nothing is there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(path), // not a link
        }
    }
    Err(io::Error::other("too many links"))
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Stdout => write_stdout(bytes),
            Kind::Special(file) => file.write(bytes),
            Kind::Replacement { file, .. } => file.write(bytes),
        }
    }

    /// Nothing is buffered here, except by the standard library where it writes standard output.
    fn flush(&mut self) -> io::Result<()> {
        #[cfg(not(unix))]
        if let Kind::Stdout = self.kind {
            return io::stdout().flush();
        }
        Ok(())
    }
}

/// Writes without the buffer of the standard library, which takes a file that cannot be written for
/// one that takes everything. Waits while a non-blocking pipe or terminal is full.
#[cfg(unix)]
fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    use rustix::event::PollFlags;
    use rustix::io::Errno;
    let stdout = rustix::stdio::stdout();
    loop {
        match rustix::io::write(stdout, bytes) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => drop(is_ready(stdout, PollFlags::OUT)?),
            outcome => return Ok(outcome?),
        }
    }
}

#[cfg(not(unix))]
fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    io::stdout().lock().write(bytes)
}

/// Waits until `file` is ready, but not longer than a tenth of a second.
#[cfg(unix)]
pub(crate) fn is_ready(
    file: std::os::fd::BorrowedFd<'_>,
    flags: rustix::event::PollFlags,
) -> io::Result<bool> {
    use rustix::event::{PollFd, Timespec, poll};
    const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    match poll(&mut [PollFd::from_borrowed_fd(file, flags)], Some(&TICK)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Collects whole records and writes them together.
pub(crate) struct Records {
    target: Target,
    collected: Vec<u8>,
    in_collected: u64,
    written: u64,
    written_bytes: Arc<AtomicU64>,
}

impl Records {
    pub(crate) fn new(target: Target) -> Self {
        let written_bytes = Arc::default();
        Records { target, collected: vec![], in_collected: 0, written: 0, written_bytes }
    }

    /// The number of bytes that were written so far, for another thread.
    pub(crate) fn written_bytes(&self) -> &Arc<AtomicU64> {
        &self.written_bytes
    }

    /// Adds the record that `format` appends.
    ///
    /// # Errors
    /// [`NotWritten`] if the records before could not be written.
    pub(crate) fn push(
        &mut self,
        format: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> Result<(), NotWritten> {
        format(&mut self.collected).map_err(|source| self.target.not_written(source))?;
        self.in_collected += 1;
        if self.collected.len() >= COLLECTED_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes every record that was added.
    ///
    /// # Errors
    /// [`NotWritten`]. The records are not written again.
    pub(crate) fn flush(&mut self) -> Result<(), NotWritten> {
        let outcome = self.target.write_all(&self.collected).and_then(|()| self.target.flush());
        let bytes = self.collected.len() as u64;
        self.collected.clear();
        let records = std::mem::take(&mut self.in_collected);
        outcome.map_err(|source| self.target.not_written(source))?;
        self.written += records;
        self.written_bytes.fetch_add(bytes, Relaxed);
        Ok(())
    }

    /// The number of records that were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Finishes the target, after [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`NotWritten`] if the system refuses this.
    pub(crate) fn finish(self) -> Result<(), NotWritten> {
        self.target.finish()
    }
}

/// The page for standard output: the width of the terminal, from 60 to 120 columns, or 80 columns
/// if there is no terminal.
pub(crate) fn page(color: ColorChoice) -> Page {
    let terminal = io::stdout().is_terminal();
    let size = terminal_size::terminal_size().filter(|_| terminal);
    let width = size.map_or(80, |(width, _)| usize::from(width.0).clamp(60, 120));
    let is_allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let color = match color {
        ColorChoice::Auto => terminal && is_allowed,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    };
    Page { width, color, markdown: false }
}
