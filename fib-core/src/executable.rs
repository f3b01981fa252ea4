//! The program that runs now, for backends and harnesses that start it again.

use std::io;
use std::path::{Path, PathBuf};

/// A path that starts this program again: the same file, even if another file has taken its place.
/// Without /proc it is the path by which the program was started.
///
/// # Errors
/// If the system does not tell (never on Linux).
#[cfg(target_os = "linux")]
pub fn this_executable() -> io::Result<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    // The new process opens this path while it still runs this program, so `self` is the right file.
    let of_proc = PathBuf::from("/proc/self/exe");
    match of_proc.exists() {
        true => Ok(of_proc),
        // In `.`, not in a folder of PATH.
        false => {
            Ok(Path::new(".").join(OsStr::from_bytes(rustix::param::linux_execfn().to_bytes())))
        }
    }
}

/// A path that starts this program again.
///
/// # Errors
/// If the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn this_executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}
