//! Where output goes: standard output, a device, or a file that appears under its name when it is
//! complete. Every error is noticed, and a slow reader is waited for.

use crate::failure::NotWritten;
use crate::stdout;
use crate::unfinished::Unfinished;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

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
    /// A file that takes the place of `path` in the end.
    Replacement {
        file: Unfinished,
        path: PathBuf,
    },
    /// A file with this path, which stays if the program ends before it takes the place of `path`.
    Partial {
        file: File,
        partial: PathBuf,
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

    /// The file `partial`, cut to `length` bytes, which takes the place of `path` in the end.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn partial(
        name: &str,
        partial: PathBuf,
        path: PathBuf,
        length: u64,
    ) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(&partial)?;
        if let Ok(existing) = fs::metadata(&path) {
            file.set_permissions(existing.permissions())?;
        }
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Target { name: name.into(), kind: Kind::Partial { file, partial, path } })
    }

    /// This error, with the name of the target.
    pub(crate) fn not_written(&self, source: io::Error) -> NotWritten {
        NotWritten { target: self.name.clone(), source }
    }

    /// Writes lines. If only a part of them can be written, an incomplete line is removed again where
    /// that is possible: at the end of a regular file.
    ///
    /// # Errors
    /// If not all lines could be written.
    pub(crate) fn write_records(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < lines.len() {
            match self.write(&lines[written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let whole = lines[..written].iter().rposition(|&byte| byte == b'\n');
                    self.take_back(written - whole.map_or(0, |end| end + 1));
                    return Err(error);
                }
            }
        }
        self.flush()
    }

    /// Removes the last bytes that were written, if this is standard output at the end of a regular
    /// file. Other files get no name before they are complete.
    #[cfg(unix)]
    fn take_back(&self, bytes: usize) {
        use rustix::fs::{FileType, SeekFrom, fstat, ftruncate, seek, tell};
        let stdout = rustix::stdio::stdout();
        let (Kind::Stdout, Ok(file), Ok(end)) = (&self.kind, fstat(stdout), tell(stdout)) else {
            return;
        };
        let is_end = u64::try_from(file.st_size).is_ok_and(|size| size == end);
        if FileType::from_raw_mode(file.st_mode).is_file() && is_end {
            let whole = end.saturating_sub(bytes as u64);
            // If this fails, the error of the writing still says that not all was written.
            let _ = ftruncate(stdout, whole).and_then(|()| seek(stdout, SeekFrom::Start(whole)));
        }
    }

    #[cfg(not(unix))]
    fn take_back(&self, _bytes: usize) {}

    /// Waits until everything that was written to a partial file has reached the disk.
    ///
    /// # Errors
    /// If the system refuses this.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Partial { file, .. } => file.sync_data(),
            _ => Ok(()),
        }
    }

    /// Gives a file its name, after everything in it has reached the disk.
    ///
    /// # Errors
    /// [`NotWritten`] if the system refuses this. A file that existed is still there.
    pub(crate) fn finish(self) -> Result<(), NotWritten> {
        let renamed = match self.kind {
            Kind::Stdout | Kind::Special(_) => Ok(()),
            Kind::Replacement { file, path } => file.finish(&path),
            Kind::Partial { file, partial, path } => {
                file.sync_all().and_then(|()| fs::rename(partial, path))
            }
        };
        renamed.map_err(|source| NotWritten { target: self.name, source })
    }
}

impl Kind {
    fn open(path: &Path) -> io::Result<Self> {
        let existing = fs::metadata(path).ok();
        if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
            return Ok(Kind::Special(OpenOptions::new().write(true).open(path)?));
        }
        let path = followed(path)?;
        let file = Unfinished::create(&path)?;
        if let Some(existing) = existing {
            file.as_file().set_permissions(existing.permissions())?;
        }
        Ok(Kind::Replacement { file, path })
    }
}

/// The path behind links, even if nothing is there yet.
pub(crate) fn followed(path: &Path) -> io::Result<PathBuf> {
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
            Kind::Replacement { file, .. } => file.as_file().write(bytes),
            Kind::Partial { file, .. } => file.write(bytes),
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

/// Writes without the standard library, which ignores the error if standard output was not opened for
/// writing. Waits while a non-blocking pipe or terminal is full.
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
