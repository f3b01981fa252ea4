//! Hostile neighbours: malicious engines, records and files, and limits of the system.
#![cfg(target_os = "linux")]

use crate::engines::{example, script};
use crate::support::{has_ended, text, wait};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const FIB: &str = env!("CARGO_BIN_EXE_fib");

/// The engine of docs/engines.md with some of its text replaced, as a command.
fn engine(folder: &Path, changes: &[(&str, &str)]) -> String {
    let mut text = example();
    for (right, wrong) in changes {
        assert!(text.contains(right), "{right}");
        text = text.replacen(right, wrong, 1);
    }
    format!("python3 {}", script(folder, &text).display())
}

fn compare(engine: &str, further: &str) -> Output {
    let mut compare = Command::new(FIB);
    compare.args(["compare", "--scenario", "10xF100", "--backend", "sequential", "--time", "0.3"]);
    compare.args(["--engine", engine]).args(further.split_whitespace()).output().unwrap()
}

fn check(engine: &str) -> Output {
    let check = ["engine", "check"].into_iter().chain(engine.split_whitespace());
    Command::new(FIB).args(check).output().unwrap()
}

/// Nothing in the output moves the cursor, changes the title or turns the reading direction.
#[track_caller]
fn assert_harmless(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let hidden = |c| c != '\n' && fib_report::is_hidden(c);
        assert!(!text(stream).contains(hidden), "{:?}", text(stream));
    }
}

/// The processes with this word in their environment that have not ended.
fn marked(mark: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has_mark = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(mark)
    };
    pids.filter(has_mark).collect()
}

const HIDDEN: &str = r"\u001b[2J\u009b\u202e";

#[test]
fn names_that_a_terminal_would_obey_are_refused() {
    for (right, field) in [("\"engine\": \"snake\"", "engine"), ("\"name\": \"loop\"", "name")] {
        let folder = tempfile::tempdir().unwrap();
        let wrong = format!("\"{field}\": \"x{HIDDEN}\"");
        let engine = engine(folder.path(), &[(right, &wrong)]);
        let compared = compare(&engine, "");
        assert_eq!(compared.status.code(), Some(2), "{}", text(&compared.stderr));
        let checked = check(&engine);
        assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stdout));
        assert!(text(&checked.stdout).contains(r"x\u001b[2J\u009b\u202e"));
        [compared, checked].iter().for_each(assert_harmless);
    }
}

#[test]
fn what_an_engine_says_is_shown_without_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let version = format!("\"version\": \"{HIDDEN}\"");
    let warning = format!("import sys\nprint('warning: {HIDDEN}', file=sys.stderr, flush=True)\n");
    let changes = [("\"version\": sys.version.split()[0]", &*version), ("import json", &warning)];
    let changes = [changes[0], (changes[1].0, &format!("{warning}import json"))];
    let compared = compare(&engine(folder.path(), &changes), "");
    assert_eq!(compared.status.code(), Some(0), "{}", text(&compared.stderr));
    assert!(text(&compared.stderr).contains(r"warning: \u001b[2J\u009b\u202e"));
    assert_harmless(&compared);
}

#[test]
fn impossible_times_are_doubted() {
    for (right, wrong) in [
        ("\"wall_ns\": wall_ns", "\"wall_ns\": 0"),
        ("\"wall_ns\": wall_ns", "\"wall_ns\": 2**64 - 1"),
        ("\"wall_ns\": wall_ns", "\"wall_ns\": wall_ns, \"cpu_ns\": 2**64 - 1"),
        ("\"wall_ns\": 1", "\"wall_ns\": 2**64 - 1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let compared = compare(&engine(folder.path(), &[(right, wrong)]), "--format csv");
        assert_eq!(compared.status.code(), Some(1), "{wrong}: {}", text(&compared.stdout));
        let row = text(&compared.stdout).lines().find(|line| line.contains("snake/loop"));
        assert!(row.is_some_and(|row| row.contains(",crash,")), "{wrong}: {row:?}");
    }
}

/// A child of the engine holds the streams of the engine and outlives it.
#[test]
fn nothing_is_left_of_an_engine_that_forks() {
    let folder = tempfile::tempdir().unwrap();
    let mark = format!("FIB_TEST_MARK={}", folder.path().display());
    let (name, value) = mark.split_once('=').unwrap();
    let fork = "import os, time\nif os.fork() == 0:\n    time.sleep(600)\nimport json";
    let engine = engine(folder.path(), &[("import json", fork)]);
    let mut check = Command::new(FIB);
    check.args(["engine", "check"]).args(engine.split_whitespace()).env(name, value);
    let output = check.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stdout));
    wait(|| marked(&mark).is_empty());
}

/// In its hello, or after it, when it does not look at its input any more.
#[test]
fn an_engine_that_hangs_ends_with_the_harness() {
    let (start, request) = ("import json", "for line in sys.stdin:");
    for (command, place) in [
        (&["compare", "--engine"][..], start),
        (&["engine", "check"], start),
        (&["compare", "--engine"], request),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let hang =
            format!("open('{}', 'w').write(str(os.getpid())); time.sleep(600)", mark.display());
        let hang = match place == start {
            true => format!("import os, time; {hang}\n{start}"),
            false => format!("import os, time\n{request}\n    if 'build' in line: {hang}"),
        };
        let engine = engine(folder.path(), &[(place, &hang)]);
        let mut harness = Command::new(FIB);
        harness.args(command);
        match command[0] {
            "compare" => harness.arg(&engine),
            _ => harness.args(engine.split_whitespace()),
        };
        let mut harness = harness.stdout(Stdio::null()).spawn().unwrap();
        let pid = || fs::read_to_string(&mark).unwrap_or_default();
        wait(|| !pid().is_empty());
        harness.kill().unwrap();
        harness.wait().unwrap();
        wait(|| has_ended(&pid()));
    }
}

#[test]
fn an_engine_that_does_not_read_hangs_within_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let deaf = "for line in sys.stdin:\n    if 'build' in line:\n        print('{\"wall_ns\": 1}', flush=True)\n        \
                import time\n        time.sleep(600)";
    let small = "import fcntl\nfcntl.fcntl(0, 1031, 4096)\nimport json";
    let changes = [("for line in sys.stdin:", deaf), ("import json", small)];
    let engine = engine(folder.path(), &changes);
    let mut compare = Command::new(FIB);
    compare.args(["compare", "--scenario", "10000xF100", "--backend", "sequential"]);
    compare.args(["--time", "0.3", "--cell-timeout", "1", "--format", "csv", "--engine", &engine]);
    let output = compare.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let row = text(&output.stdout).lines().find(|line| line.contains("snake/loop"));
    assert!(row.is_some_and(|row| row.contains(",hang,")), "{row:?}");
}

/// With an address space of 1 GB the program would run out of memory if it kept what comes.
#[test]
fn an_engine_that_never_stops_talking_fills_no_memory() {
    let flood = "for line in sys.stdin:\n    while 'build' in line:\n        \
                 print('{\"wall_ns\": 1}' + ' ' * 100000, flush=True)";
    let chatter = "import sys\nfor i in range(20000): print('warning:', 'x' * 5000, i, file=sys.stderr)\nimport json";
    for change in [("for line in sys.stdin:", flood), ("import json", chatter)] {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path(), &[change]);
        let mut check = Command::new("prlimit");
        check.args(["--as=1073741824", FIB, "engine", "check"]).args(engine.split_whitespace());
        let output = check.output().unwrap();
        let stderr = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{stderr}");
        assert!(stderr.len() < 100_000, "{} bytes", stderr.len());
    }
}

/// Replaces the program while a comparison runs, as `cargo build` does.
#[test]
fn the_measured_program_is_the_one_that_was_started() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("fib");
    fs::copy(FIB, &program).unwrap();
    let mut compare = Command::new(&program);
    compare.args(["compare", "--scenario", "10xF100", "--backend", "rayon", "--time", "2"]);
    compare.args(["--record", "record"]).current_dir(&folder);
    let running = compare.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let record = folder.path().join("record");
    wait(|| record.exists());
    fs::remove_file(&program).unwrap();
    fs::write(&program, "not a program").unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_runner_refuses_what_it_cannot_build_and_goes_on() {
    let mut runner = Command::new(FIB)
        .arg("runner")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = runner.stdin.take().unwrap();
    let mut replies = BufReader::new(runner.stdout.take().unwrap()).lines();
    let mut refused = |request: &[u8]| {
        requests.write_all(request).unwrap();
        replies.next().unwrap().unwrap().starts_with("{\"error\":")
    };
    for backend in fib::REGISTRY.iter().map(|entry| entry.name).chain(["copies", "whole"]) {
        for workers in ["9223372036854775808", "1025"] {
            let build = format!(
                "{{\"op\":\"build\",\"backend\":\"{backend}\",\"workers\":{workers},\
                 \"chunking\":\"per-worker:1\",\"pin\":false}}\n"
            );
            assert!(refused(build.as_bytes()), "{backend}");
        }
    }
    assert!(refused(b"\xff\n"));
    assert!(!refused(b"{\"op\":\"hello\",\"protocol\":1}\n"));
    drop(requests);
    assert!(runner.wait().unwrap().success());
}

#[test]
fn a_device_is_no_record() {
    let output = Command::new(FIB).args(["analyse", "/dev/zero"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "error: /dev/zero: a device cannot be a record\n");
}

#[test]
fn file_names_and_arguments_are_shown_without_control_characters() {
    for arguments in
        [&["analyse", "x\x1b[2J"][..], &["batch", "\x1b[2J"], &["batch", "--in", "\u{9b}2J"]]
    {
        let output = Command::new(FIB).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_harmless(&output);
    }
}

/// A user may pass the arguments of a worker or set its variable. Neither alone makes a worker.
#[test]
fn only_a_pool_makes_a_worker() {
    let output = Command::new(FIB).args(["batch", "fib-process-worker", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("'fib-process-worker': expected N"));
    if fib::by_name("process").is_some() {
        let script = "FIB_PROCESS_WORKER_OF=$$ $0 batch 5 --backend process; exit $?";
        let output = Command::new("sh").args(["-c", script, FIB]).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert!(text(&output.stderr).contains("because FIB_PROCESS_WORKER_OF names its parent"));
    }
}

/// However little address space there is, the results are right or one line refuses the batch.
#[test]
fn scarce_address_space_ends_in_results_or_a_refusal() {
    let batch = ["batch", "--kernel", "doubling", "4x100000"];
    let expected = Command::new(FIB).args(batch).output().unwrap().stdout;
    for entry in fib::REGISTRY {
        for megabytes in [20, 48, 128, 256] {
            let mut limited = Command::new("prlimit");
            limited.arg(format!("--as={}", megabytes << 20)).arg(FIB).args(batch);
            let output =
                limited.args(["--workers", "64", "--backend", entry.name]).output().unwrap();
            let stderr = text(&output.stderr);
            let place = format!("{} with {megabytes} MB: {stderr}", entry.name);
            assert!(!stderr.contains("memory allocation of"), "{place}"); // by a worker
            match output.status.code() {
                Some(0) => assert_eq!(output.stdout, expected, "{place}"),
                Some(3 | 4) => assert_eq!(stderr.matches("error: ").count(), 1, "{place}"),
                _ => panic!("{:?}, {place}", output.status),
            }
        }
    }
}
