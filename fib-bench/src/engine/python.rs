//! The engine that is built in: CPython with its standard library, and with other packages where they are
//! installed.

use std::ffi::OsString;
use std::process::{Command, Stdio};

/// The name of the engine.
pub const PYTHON: &str = "python";

const PROGRAM: &str = "python3";

/// Keeps Python from importing modules of the folder that the user happens to be in.
const ISOLATED: &str = "-I";

/// The source of the engine, so that an installed program has it too.
const SCRIPT: &str = concat!(
    include_str!("../../../engines/python/kernels.py"),
    include_str!("../../../engines/python/compiled.py"),
    include_str!("../../../engines/python/pools.py"),
    include_str!("../../../engines/python/backends.py"),
    include_str!("../../../engines/python/engine.py"),
);

/// The command that starts the engine.
///
/// # Errors
/// The reason, if there is no working `python3`.
pub fn command() -> Result<Vec<OsString>, String> {
    let mut version = Command::new(PROGRAM);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match version.status() {
        Ok(status) if status.success() => {
            Ok([PROGRAM, ISOLATED, "-c", SCRIPT].map(OsString::from).into())
        }
        Ok(_) => Err(format!("{PROGRAM} does not work")),
        Err(error) => Err(format!("cannot start {PROGRAM}: {error}")),
    }
}
