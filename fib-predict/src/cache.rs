//! A calibration is measured once and kept in the user's cache folder. Its file name depends on the
//! machine, because many machines may share a home folder.

use crate::calibration::Calibration;
use etcetera::{BaseStrategy, choose_base_strategy};
use fib::{Error, REGISTRY};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};
use sysinfo::{CpuRefreshKind, System};
use tempfile::NamedTempFile;

/// A calibration that another program disturbed is used for no longer than this.
const DISTURBED_LIFE: Duration = Duration::from_secs(3600);

/// A calibration takes a few KB.
const LARGEST_FILE: u64 = 1 << 20;

/// Where a calibration comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// It was read from this file, and was measured at this time.
    Kept(PathBuf, SystemTime),
    /// It was measured now, and that took this long.
    Measured(Duration),
}

/// What a calibration is valid for: everything that changes its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    version: String,
    optimised: bool,
    backends: Vec<String>,
    cpu: String,
    cores: usize,
    system: String,
}

/// The contents of a cache file.
#[derive(Serialize, Deserialize)]
struct Kept {
    identity: Identity,
    taken: SystemTime,
    calibration: Calibration,
}

/// The calibration of this machine. It is read from the cache, or measured now if the cache has
/// none that is valid. Every call in a process returns the same calibration.
///
/// # Errors
/// The errors of [`Calibration::measure`].
pub fn calibration() -> Result<&'static (Calibration, Source), Error> {
    static KNOWN: OnceLock<(Calibration, Source)> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known);
    }
    let found = match file().and_then(|file| read(&file, &identity())) {
        Some(found) => found,
        None => recalibrate()?,
    };
    Ok(KNOWN.get_or_init(|| found))
}

/// Measures this machine anew and keeps the calibration. Logs a warning if it cannot be kept.
///
/// # Errors
/// The errors of [`Calibration::measure`].
pub fn recalibrate() -> Result<(Calibration, Source), Error> {
    let begin = Instant::now();
    let calibration = Calibration::measure()?;
    let elapsed = begin.elapsed();
    let kept =
        Kept { identity: identity(), taken: SystemTime::now(), calibration: calibration.clone() };
    if let Some(file) = file()
        && let Err(error) = write(&file, &kept)
    {
        log::warn!("the calibration cannot be kept in {}: {error}", file.display());
    }
    Ok((calibration, Source::Measured(elapsed)))
}

fn read(file: &Path, identity: &Identity) -> Option<(Calibration, Source)> {
    // The file may have been put there by anybody: it may be endless, or a pipe that nobody writes to.
    let found = fs::metadata(file).ok()?;
    if !found.is_file() || found.len() > LARGEST_FILE {
        return None;
    }
    let kept: Kept = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let source = Source::Kept(file.to_path_buf(), kept.taken);
    // The age of a file from the future is not known.
    let is_recent = kept.taken.elapsed().is_ok_and(|age| age < DISTURBED_LIFE);
    let is_good = (!kept.calibration.disturbed || is_recent)
        && kept.identity == *identity
        && kept.calibration.is_sound(identity.cores);
    is_good.then_some((kept.calibration, source))
}

/// Writes the whole file or nothing, so that no reader finds half a calibration.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(folder)?;
    let mut temporary = NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut temporary, kept)?;
    temporary.flush()?;
    temporary.persist(file)?;
    Ok(())
}

/// The cache file of this machine; `None` for a user without a home folder.
fn file() -> Option<PathBuf> {
    let folder = choose_base_strategy().ok()?.cache_dir().join("fib");
    let identity = serde_json::to_string(&identity()).ok()?;
    Some(folder.join(format!("calibration-{:016x}.json", fnv(identity.as_bytes()))))
}

/// FNV-1a, for a file name that is always the same for an identity. What the file says about its
/// identity is compared in full.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn identity() -> Identity {
    let mut system = System::new().ok();
    if let Some(system) = &mut system {
        system.refresh_cpu_specifics(CpuRefreshKind::nothing());
    }
    let cpu = system.and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()));
    let version = System::kernel_version().unwrap_or_default();
    Identity {
        version: env!("CARGO_PKG_VERSION").into(),
        optimised: !cfg!(debug_assertions),
        backends: REGISTRY.iter().map(|entry| entry.name.into()).collect(),
        cpu: cpu.unwrap_or_default(),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        system: format!("{} {} {version}", std::env::consts::OS, std::env::consts::ARCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_calibration_is_read_again_on_this_machine_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fib").join("calibration.json");
        assert!(read(&file, &identity()).is_none());
        let (calibration, taken) = (Calibration::measure().unwrap(), SystemTime::now());
        let kept = Kept { identity: identity(), taken, calibration: calibration.clone() };
        write(&file, &kept).unwrap();
        assert_eq!(read(&file, &identity()).unwrap().0, calibration);
        let mut busy = calibration.clone();
        busy.disturbed = true;
        let old = SystemTime::now() - 2 * DISTURBED_LIFE;
        for (taken, is_good) in [(old, false), (SystemTime::now(), true)] {
            write(&file, &Kept { identity: identity(), taken, calibration: busy.clone() }).unwrap();
            assert_eq!(read(&file, &identity()).is_some(), is_good);
        }
        let (future, disturbed) = (SystemTime::now() + DISTURBED_LIFE, busy.clone());
        write(&file, &Kept { identity: identity(), taken: future, calibration: disturbed })
            .unwrap();
        assert!(read(&file, &identity()).is_none(), "its age is not known");
        let other = Identity { cores: identity().cores + 1, ..identity() };
        assert!(read(&file, &other).is_none());
        fs::write(&file, "{\"identity\":").unwrap();
        assert!(read(&file, &identity()).is_none(), "the file is incomplete");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_with_absurd_contents_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.json");
        let calibration = Calibration::measure().unwrap();
        write(&file, &Kept { identity: identity(), taken: SystemTime::now(), calibration })
            .unwrap();
        let good: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert!(read(&file, &identity()).is_some());
        for (field, absurd) in [
            ("backends", serde_json::json!({})),
            ("kernels", serde_json::json!({})),
            ("cores", 0.into()),
            ("inflation", (-1).into()),
            ("inflation", 1e300.into()),
            ("losses_ns", serde_json::json!({"rayon": 1e12})),
        ] {
            let mut bad = good.clone();
            bad["calibration"][field] = absurd;
            fs::write(&file, bad.to_string()).unwrap();
            assert!(read(&file, &identity()).is_none(), "{field}");
        }
        let padding = " ".repeat(LARGEST_FILE as usize);
        fs::write(&file, format!("{good}{padding}")).unwrap();
        assert!(read(&file, &identity()).is_none(), "it is too large");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_in_the_place_of_the_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.json");
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        assert!(read(&file, &identity()).is_none());
    }
}
