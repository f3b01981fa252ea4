//! `fib batch --out FILE --resume`: killed at any moment, the output is the same in the end.
#![cfg(unix)]

use crate::support::{names, wait};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A few seconds of work in small steps.
const LONG: &str = "batch 0..=25000 --out out --resume";

fn fib(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command.stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &str) -> Output {
    fib(folder, arguments).output().unwrap()
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &str) {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn refused(folder: &Path, arguments: &str, words: &str) {
    let output = run(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.contains(words), "{stderr}");
}

fn journal(folder: &Path) -> String {
    fs::read_to_string(folder.join("out.fib-journal")).unwrap_or_default()
}

/// Starts the batch from an endless input that stops after `count` numbers, and kills it when the
/// journal has its first checkpoint.
fn killed_after_a_checkpoint(folder: &Path, count: usize) {
    let mut command = fib(folder, "batch - --out out --resume");
    let mut child: Child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for n in 0..count {
        writeln!(input, "{}", n % 1000).unwrap();
    }
    input.flush().unwrap();
    let begin = Instant::now();
    // The checkpoint comes with the first output after a second, so the input goes on.
    while journal(folder).lines().count() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(20), "there is no checkpoint");
        sleep(Duration::from_millis(20));
        writeln!(input, "7").unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_run_that_is_killed_again_and_again_writes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(folder.path(), "batch 0..=25000 --out expected");
    let mut kills = 0;
    for life in [5, 130, 1150, 1300, 1700, 8000].into_iter().cycle() {
        let mut child = fib(folder.path(), LONG).spawn().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(life) && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        assert!(!folder.path().join("out").exists(), "it is not complete");
        assert!(kills < 100, "it never ends");
    }
    let bytes = |name| fs::read(folder.path().join(name)).unwrap();
    assert!(kills > 0 && bytes("out") == bytes("expected"));
    assert_eq!(names(folder.path()), ["expected", "out"]);
}

#[test]
fn what_an_earlier_run_has_written_is_not_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    killed_after_a_checkpoint(folder.path(), 5000);
    let partial = folder.path().join("out.fib-partial");
    let before = fs::read_to_string(&partial).unwrap();
    let checkpoint = journal(folder.path()).lines().last().unwrap().to_owned();
    let field = |name: &str| -> usize {
        let value: serde_json::Value = serde_json::from_str(&checkpoint).unwrap();
        value[name].as_u64().unwrap().try_into().unwrap()
    };
    // A line that no computation gives shows which lines were kept.
    let marked = before.replacen("10\t55\n", "10\t56\n", 1);
    fs::write(&partial, &marked).unwrap();
    let input: String =
        before.lines().map(|line| line.split('\t').next().unwrap().to_owned() + "\n").collect();
    fs::write(folder.path().join("in"), input).unwrap();
    // What a crash leaves behind: lines that the journal does not count, and a torn line in the journal.
    let mut file = OpenOptions::new().append(true).open(&partial).unwrap();
    file.write_all(b"12\t1").unwrap();
    let mut file =
        OpenOptions::new().append(true).open(folder.path().join("out.fib-journal")).unwrap();
    file.write_all(b"{\"numbers\":99").unwrap();
    assert!(
        field("numbers") > 10 && marked.lines().take(field("numbers")).count() == field("numbers")
    );
    succeeds(folder.path(), "batch --in in --out out --resume");
    assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), marked);
    assert_eq!(names(folder.path()), ["in", "out"]);
}

/// The second run is stopped while it reads the numbers again that the first run has written.
#[test]
fn an_interruption_while_the_earlier_numbers_are_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    killed_after_a_checkpoint(folder.path(), 1000);
    let before = journal(folder.path());
    let mut second = fib(folder.path(), "batch - --out out --resume --timeout 0.5");
    let mut second = second.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = second.stdin.take().unwrap();
    (0..500).for_each(|n| writeln!(input, "{n}").unwrap());
    input.flush().unwrap();
    let output = second.wait_with_output().unwrap(); // `input` stays open
    drop(input);
    assert_eq!(output.status.code(), Some(124));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("run the same command again") && !said.contains("after 0"), "{said}");
    assert_eq!(journal(folder.path()), before);
}

#[test]
fn another_input_format_or_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    killed_after_a_checkpoint(folder.path(), 5000);
    let files = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let before = (files("out.fib-partial"), files("out.fib-journal"));
    refused(folder.path(), "batch 1..9000 --out out --resume", "indices have changed");
    refused(folder.path(), "batch 0..5 --out out --resume", "indices have changed");
    refused(folder.path(), "batch 0..9000 --out out --resume --format hex", "format tsv");
    fs::write(folder.path().join("out.fib-journal"), "shopping list\nmilk\n").unwrap();
    refused(folder.path(), "batch 0..9000 --out out --resume", "not a journal");
    fs::write(folder.path().join("out.fib-journal"), &before.1).unwrap();
    assert!(files("out.fib-partial").starts_with(b"0\t0\n1\t1\n"), "nothing is lost");
    refused(folder.path(), "batch 5 --out /dev/null --resume", "not a regular file");
    refused(folder.path(), "batch 5 --resume", "--out");
}

#[test]
fn two_runs_of_one_output_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let mut first =
        fib(folder.path(), "batch - --out out --resume").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = first.stdin.take().unwrap();
    wait(|| !journal(folder.path()).is_empty());
    refused(folder.path(), "batch 5 --out out --resume", "another program is writing out");
    input.write_all(b"10\n").unwrap();
    drop(input);
    assert!(first.wait().unwrap().success());
    assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "10\t55\n");
    assert_eq!(names(folder.path()), ["out"]);
}
