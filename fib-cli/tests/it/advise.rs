//! `fib advise` and `--backend auto`: predictions from the calibration of this machine.

use crate::support::text;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// With a cache folder of its own.
fn fib(cache: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    command.args(arguments).env("XDG_CACHE_HOME", cache).output().unwrap()
}

fn cache() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_machine_is_calibrated_once() {
    let cache = cache();
    let say = || {
        let output = fib(cache.path(), &["advise", "10x100"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(
            text(&output.stdout).starts_with("Recommended, as predicted: one thread, "),
            "{}",
            text(&output.stdout)
        );
        text(&output.stderr).to_owned()
    };
    assert!(say().contains("calibrated in "));
    let files = || fs::read_dir(cache.path().join("fib")).unwrap().map(|entry| entry.unwrap());
    assert_eq!(files().count(), 1);
    assert!(say().contains("calibrated within the last hour"));
    // What cannot be understood is measured again.
    fs::write(files().next().unwrap().path(), "{").unwrap();
    assert!(say().contains("calibrated in "));
    let anew = fib(cache.path(), &["advise", "1", "--calibrate"]);
    assert!(text(&anew.stderr).contains("calibrated in "));
}

#[test]
fn every_candidate_is_predicted_and_checked() {
    let cache = cache();
    let arguments = ["-q", "advise", "200x2000", "--check", "--format", "json", "--kernel"];
    let output = fib(cache.path(), &[&arguments[..], &["iterative"]].concat());
    let lines = text(&output.stdout).lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), fib::REGISTRY.len());
    assert_eq!(lines.iter().filter(|line| line["best"] == true).count(), 1);
    for line in &lines {
        let [predicted, measured, error] =
            ["predicted_ns", "measured_ns", "error"].map(|field| line[field].as_f64().unwrap());
        assert!(predicted > 0.0 && measured > 0.0);
        assert!((predicted / measured - 1.0 - error).abs() < 1e-9);
    }
}

#[test]
fn what_is_no_batch_is_refused_before_anything_is_measured() {
    let cache = cache();
    for (spec, code) in [("1e6", 2), ("5..1", 2), ("1000000000000", 3), ("99999999999x1", 3)] {
        let output = fib(cache.path(), &["advise", spec]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{spec}: {error}");
        assert!(error.starts_with("error: "), "{spec}: {error}");
    }
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn auto_gives_what_every_backend_gives() {
    let cache = cache();
    let specs = ["0..=300", "30x5000", "7"];
    let batch = |backend| {
        let output = fib(cache.path(), &[&["batch", "--backend", backend], &specs[..]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        output.stdout
    };
    assert_eq!(batch("auto"), batch("sequential"));
    let output = fib(cache.path(), &["calc", "100", "--backend", "auto"]);
    assert_eq!(text(&output.stdout), "354224848179261915075\n");
    let verify = ["compare", "--verify", "--backend", "auto", "--scenario", "10xF100,1000xF1000"];
    assert!(text(&fib(cache.path(), &verify).stdout).ends_with("4 of 4 cells right\n"));
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let folder = cache();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = fib(&file, &["batch", "1", "--backend", "auto"]);
    assert_eq!(text(&output.stdout), "1\t1\n");
    let warning = text(&output.stderr);
    assert!(warning.starts_with("warning: the calibration cannot be kept in "), "{warning}");
}
