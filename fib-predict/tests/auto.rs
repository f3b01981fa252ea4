//! Calibrates this machine, and checks that `auto` keeps the promises of every backend.
#![allow(clippy::unwrap_used)] // in tests a panic is a finding

use fib::kernels::{KERNELS, KernelEntry};
use fib::{MemoryLimit, REGISTRY, Settings};
use fib_predict::{AUTO, Calibration, Source, advise, calibration, check, recalibrate};
use std::path::Path;
use std::time::Duration;

/// Makes this program fit for worker processes, and keeps its calibration in a folder of the tests.
// SAFETY: in a worker process this serves and exits; elsewhere it sets a variable and a flag, and needs
// nothing that the standard library sets up later.
#[ctor::ctor(unsafe)]
fn init() {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    // SAFETY: no other thread exists before `main`, so none reads the environment.
    unsafe { std::env::set_var("XDG_CACHE_HOME", cache) };
    fib::init_with(fib_conformance::kernel);
}

#[test]
fn auto_passes_the_suite() {
    fib_conformance::check(&AUTO);
}

#[test]
fn auto_and_every_other_backend_run_inside_each_other() {
    for other in REGISTRY {
        fib_conformance::check_nested(other, &AUTO);
        fib_conformance::check_nested(&AUTO, other);
    }
}

#[test]
fn this_machine_can_be_calibrated() {
    let calibration = Calibration::measure().unwrap();
    assert!(REGISTRY.iter().all(|entry| calibration.overheads(entry.name).is_some()));
    let text = serde_json::to_string(&calibration).unwrap();
    assert_eq!(serde_json::from_str::<Calibration>(&text).unwrap(), calibration);
}

#[test]
fn a_calibration_is_kept() {
    assert!(matches!(recalibrate().unwrap().1, Source::Measured(_)));
    let folder = Path::new(&std::env::var("XDG_CACHE_HOME").unwrap()).join("fib");
    assert!(std::fs::read_dir(folder).unwrap().count() > 0);
}

#[test]
fn predictions_can_be_checked() {
    let (batch, limit) = ([2000; 40], MemoryLimit::default());
    let (calibration, _) = calibration().unwrap();
    let unlimited = |entry: &&KernelEntry| (entry.get)().largest_index().is_none();
    let kernels: Vec<KernelEntry> = KERNELS.iter().filter(unlimited).copied().collect();
    let advice = advise(&batch, &kernels, Settings::default().workers, limit, calibration).unwrap();
    let measured = check(&advice.candidates, &batch, limit, Duration::from_millis(200)).unwrap();
    assert_eq!(measured.len(), REGISTRY.len() + 3);
    assert!(measured.iter().all(|m| m.runs > 0 && *m.measured_ns.as_ref().unwrap() > 0.0));
}
