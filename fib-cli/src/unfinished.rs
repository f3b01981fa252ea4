//! A file that gets its name when it is complete. Until then it has no name where the system
//! can do that (Linux), so that nothing of it is left even if the program is killed. Elsewhere it has
//! a temporary name in the same folder.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::{Builder, NamedTempFile};

pub(crate) enum Unfinished {
    Nameless(File),
    Named(NamedTempFile),
}

impl Unfinished {
    /// A new file in the folder of `path`.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let folder = folder_of(path);
        match nameless(folder) {
            Ok(file) => Ok(Unfinished::Nameless(file)),
            Err(_) => Ok(Unfinished::Named(named(folder)?)),
        }
    }

    pub(crate) fn as_file(&self) -> &File {
        match self {
            Unfinished::Nameless(file) => file,
            Unfinished::Named(file) => file.as_file(),
        }
    }

    /// Gives the file the name `path`, after everything in it has reached the disk. A file that has
    /// this name loses it.
    ///
    /// # Errors
    /// If the system refuses this.
    pub(crate) fn finish(self, path: &Path) -> io::Result<()> {
        self.as_file().sync_all()?;
        match self {
            Unfinished::Named(file) => file.persist(path).map(drop).map_err(|error| error.error),
            Unfinished::Nameless(file) if link(&file, path).is_ok() => Ok(()),
            Unfinished::Nameless(file) => {
                match builder().make_in(folder_of(path), |name| link(&file, name)) {
                    // Only a file with a name can take the place of another.
                    Ok(file) => file.persist(path).map(drop).map_err(|error| error.error),
                    // A file system may refuse names for such files.
                    Err(_) => Unfinished::Named(copied(&file, folder_of(path))?).finish(path),
                }
            }
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    fs::metadata("/proc/self/fd")?; // which gives the name later
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(open(folder, flags, Mode::from_raw_mode(0o666))?.into())
}

/// Gives the file a name that no file has.
#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, &open, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_folder: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _name: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A file with a temporary name and the contents and permissions of `file`.
fn copied(mut file: &File, folder: &Path) -> io::Result<NamedTempFile> {
    use std::io::Seek;
    let mut copy = named(folder)?;
    copy.as_file().set_permissions(file.metadata()?.permissions())?;
    file.rewind()?;
    io::copy(&mut file, &mut copy)?;
    Ok(copy)
}

fn named(folder: &Path) -> io::Result<NamedTempFile> {
    // The error names a file that the user has never heard of.
    let file = builder().tempfile_in(folder).map_err(|error| error.kind())?;
    if let Ok(mut unfinished) = NAMED.lock() {
        *unfinished = Some(file.path().to_path_buf());
    }
    Ok(file)
}

fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".fib-");
    if let Some(permissions) = usual() {
        builder.permissions(permissions);
    }
    builder
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

/// The file with a temporary name, if there is one.
static NAMED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Removes the file with a temporary name, for a program that ends without dropping its values. This
/// never waits: the program may end while it holds the lock.
pub(crate) fn remove_unfinished() {
    let unfinished = NAMED.try_lock().ok().and_then(|mut file| file.take());
    if let Some(file) = unfinished {
        let _ = fs::remove_file(file); // if this fails, there is nothing left to try
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_gets_its_name_in_the_end_with_and_without_a_name_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let names = || fs::read_dir(&folder).unwrap().count();
        let nameless = Unfinished::create(&path).unwrap();
        let named = Unfinished::Named(named(folder.path()).unwrap());
        for (file, text) in [(nameless, "first"), (named, "second")] {
            file.as_file().write_all(text.as_bytes()).unwrap();
            file.finish(&path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(), 1);
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(b"third").unwrap();
        let copy = copied(&file, folder.path()).unwrap();
        assert_eq!((fs::read_to_string(copy.path()).unwrap(), names()), ("third".into(), 2));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_on_its_way_has_no_name_on_linux() {
        let folder = tempfile::tempdir().unwrap();
        let _file = Unfinished::create(&folder.path().join("out")).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}
