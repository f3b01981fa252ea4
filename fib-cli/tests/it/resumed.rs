//! Records that are added to: of the same machine, with the same label, by one program at a time.

use crate::records::{COMPARE, fib, recorded};
use crate::support::text;
#[cfg(unix)]
use crate::support::{names, wait};
use serde_json::Value;
use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::process::Output;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};

/// Two machines of one model are equal in everything else that a header says.
#[test]
fn rounds_are_added_to_a_record_of_the_same_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    recorded(&file, "csv");
    let path = file.to_str().unwrap();
    let ours = fs::read_to_string(&file).unwrap();
    let header: Value = serde_json::from_str(ours.lines().next().unwrap()).unwrap();
    let host = header["host"].as_str().expect("this machine has an identity or a name");
    assert!(host.len() == 16 && host.bytes().all(|byte| byte.is_ascii_hexdigit()), "{host}");
    let resume = || fib(&[&COMPARE[..], &["csv", "--resume", path]].concat());

    let theirs = ours.replacen(host, "0123456789abcdef", 1);
    fs::write(&file, &theirs).unwrap();
    let refused = resume();
    let error = format!(
        "error: {path} cannot be resumed: it was measured on another machine (host \
         0123456789abcdef, and here {host})"
    );
    let said: Vec<_> =
        text(&refused.stderr).lines().filter(|line| !line.contains("debug build")).collect();
    assert_eq!((refused.status.code(), said), (Some(2), vec![&*error]));
    assert_eq!(fs::read_to_string(&file).unwrap(), theirs);

    fs::write(&file, ours.replacen(&format!("\"host\":\"{host}\","), "", 1)).unwrap();
    let unknown = resume();
    assert!(unknown.status.success(), "{}", text(&unknown.stderr));
    let warning =
        format!("warning: {path}: it is not known whether this is the machine of the record");
    assert!(text(&unknown.stderr).contains(&warning), "{}", text(&unknown.stderr));
}

#[test]
fn a_record_keeps_its_label() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    let path = file.to_str().unwrap();
    let compare = ["compare", "--scenario", "10xF100", "--backend", "sequential", "--time", "0.1"];
    let with = |flag, label: &[&str]| fib(&[&compare[..], &[flag, path], label].concat());
    let first = with("--record", &["--label", "seat 7\u{9b}2J\n"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let shown = r"label: seat 7\u009b2J";
    let has_label = |output: &Output| text(&output.stdout).lines().any(|line| line == shown);
    assert!(has_label(&first), "{}", text(&first.stdout));
    let before = fs::read(&file).unwrap();
    assert!(!text(&before).contains('\u{9b}'));
    let refused = with("--resume", &["--label", "seat 8"]);
    let error = format!(
        "error: {path} cannot be resumed: label was \"seat 7\\\\u009b2J\" and is now \"seat 8\""
    );
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(text(&refused.stderr).lines().last(), Some(&*error));
    assert_eq!(fs::read(&file).unwrap(), before);
    for label in [&[][..], &["--label", "seat 7\u{9b}2J"]] {
        let again = with("--resume", label);
        assert!(again.status.success() && has_label(&again), "{}", text(&again.stderr));
    }
    let json = fib(&["analyse", path, "--format", "json"]);
    let header: Value = serde_json::from_str(text(&json.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(header["label"], r"seat 7\u009b2J");
}

/// A record is made public, and the identity of the machine is not.
#[cfg(target_os = "linux")]
#[test]
fn no_record_holds_the_identity_of_its_machine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    recorded(&file, "csv");
    let identities = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    for identity in identities.into_iter().filter_map(|file| fs::read_to_string(file).ok()) {
        let identity = identity.trim();
        assert!(identity.is_empty() || !fs::read_to_string(&file).unwrap().contains(identity));
    }
}

/// Two programs that added to one record at the same time would cut each other's lines.
#[test]
fn a_record_that_another_program_writes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    let path = path.to_str().unwrap();
    assert!(fib(&[&COMPARE[..], &["csv", "--record", path]].concat()).status.success());
    let other_program = fs::File::open(path).unwrap();
    other_program.lock().unwrap();
    let before = fs::read(path).unwrap();
    let refused = fib(&[&COMPARE[..], &["csv", "--resume", path]].concat());
    let error = format!("error: {path}: another program is adding to this record\n");
    assert_eq!((refused.status.code(), text(&refused.stderr)), (Some(2), error.as_str()));
    assert_eq!(fs::read(path).unwrap(), before);
    other_program.unlock().unwrap();
    assert!(fib(&[&COMPARE[..], &["csv", "--resume", path]].concat()).status.success());
}

/// A measurement that runs until it is dropped, and that has added to its record.
#[cfg(unix)]
struct Writer(Child);

#[cfg(unix)]
impl Writer {
    fn start(flag: &str, path: &Path) -> Self {
        let size = || fs::metadata(path).map_or(0, |file| file.len());
        let before = size();
        let mut compare = Command::new(env!("CARGO_BIN_EXE_fib"));
        compare.args(ENDLESS).arg(flag).arg(path).stdout(Stdio::null()).stderr(Stdio::null());
        let mut writer = Writer(compare.spawn().unwrap());
        wait(|| size() > before + 10_000);
        assert_eq!(writer.0.try_wait().unwrap(), None);
        writer
    }
}

#[cfg(unix)]
impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill(); // SIGKILL
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
const ENDLESS: [&str; 7] =
    ["compare", "--scenario", "10xF100", "--backend", "sequential", "--time", "1000"];

#[cfg(unix)]
#[test]
fn a_record_has_one_writer_until_that_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    for flag in ["--record", "--resume"] {
        let first = Writer::start(flag, &path);
        let second = |flag| {
            let output = fib(&[&ENDLESS[..], &[flag, path.to_str().unwrap()]].concat());
            (output.status.code(), text(&output.stderr).to_owned())
        };
        let adding =
            format!("error: {}: another program is adding to this record\n", path.display());
        assert_eq!(second("--resume"), (Some(2), adding));
        let (code, error) = second("--record");
        assert!(code == Some(5) && error.contains("File exists"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        drop(first);
    }
    let third = Writer::start("--resume", &path);
    drop(third);
    // Nobody has written into the lines of another, and no lock is left behind.
    assert!(fib(&["analyse", path.to_str().unwrap()]).status.success());
    let resumed = fs::read_to_string(&path).unwrap().matches("{\"kind\":\"resumed\"").count();
    assert_eq!((names(folder.path()), resumed), (vec!["record.jsonl".to_owned()], 2));
}
