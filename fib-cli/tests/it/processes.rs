//! The program with worker processes: what a user sees when they are lost, and what is left when
//! the program itself is.
#![cfg(target_os = "linux")]

use crate::support::has_ended;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const BACKENDS: [&str; 2] = ["process", "process-shm"];

fn there_are_processes() -> bool {
    fib::by_name(BACKENDS[0]).is_some() // not with every choice of features
}

fn fib(arguments: &str, faults: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    command.args(arguments.split_whitespace()).env("FIB_FAULTS", faults);
    command
}

fn run(arguments: &str, faults: &str) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = fib(arguments, faults).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// F(0) to F(299) in chunks of ten, as `sequential` prints them.
fn expected(without: &[u64]) -> String {
    let (_, all, _) = run("batch 0..300 --backend sequential", "");
    let named = |line: &&str| {
        let n = line.split('\t').next().unwrap();
        without.iter().all(|failed| failed.to_string() != n)
    };
    all.lines().filter(named).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_lost_worker_is_a_warning() {
    for backend in BACKENDS.into_iter().filter(|_| there_are_processes()) {
        let batch = format!("batch 0..300 --chunking items:10 --workers 2 --backend {backend}");
        let (code, stdout, stderr) = run(&batch, "abort@77x1");
        assert_eq!((code, &stdout), (Some(0), &expected(&[])));
        let lines: Vec<&str> = stderr.lines().collect();
        let [warning] = lines[..] else { panic!("{stderr}") };
        assert!(warning.starts_with(&format!("warning: {backend}: worker ")), "{warning}");
        let what = "was killed by SIGABRT (connection closed) while computing chunk ";
        assert!(warning.contains(what) && warning.ends_with(", attempt 1 of 3"), "{warning}");
        let (code, stdout, stderr) = run(&format!("{batch} --quiet"), "abort@77x1");
        assert_eq!((code, stdout, stderr), (Some(0), expected(&[]), String::new()));
    }
}

#[test]
fn failed_indices_are_named_and_the_rest_is_delivered() {
    for backend in BACKENDS.into_iter().filter(|_| there_are_processes()) {
        let batch = format!("batch 0..300 --chunking items:10 --workers 2 --backend {backend} -q");
        let (code, stdout, stderr) = run(&batch, "abort@77 panic@200");
        assert_eq!((code, stdout), (Some(1), expected(&[77, 200])));
        let said = "error: F(77) failed: 3 workers were lost while computing it; the last was \
                    killed by SIGABRT (connection closed) (and 1 more)\n       F(200) failed: an \
                    injected panic\n";
        assert_eq!(stderr, said);
    }
}

#[test]
fn endless_deaths_end_in_4() {
    let everything: Vec<String> = (0..300).map(|n| format!("exit:1@{n}")).collect();
    for backend in BACKENDS.into_iter().filter(|_| there_are_processes()) {
        let batch = format!("batch 0..300 --backend {backend} --respawn-limit 8 -q");
        let (code, stdout, stderr) = run(&batch, &everything.join(" "));
        assert_eq!((code, stdout), (Some(4), String::new()));
        let start = format!(
            "error: {backend}: 9 workers were lost in a row (the respawn limit is 8); the last exited"
        );
        assert!(stderr.starts_with(&start) && stderr.lines().count() == 1, "{stderr}");
    }
}

#[test]
fn limits_are_options() {
    for backend in BACKENDS.into_iter().filter(|_| there_are_processes()) {
        let batch = format!("batch 0..300 --backend {backend} --chunking items:10");
        for (limit, fault) in [("--stall-limit", "hang@77x1"), ("--reply-limit", "spin@77x1")] {
            let start = Instant::now();
            let (code, stdout, _) = run(&format!("{batch} {limit} 0.2"), fault);
            assert_eq!((code, stdout), (Some(0), expected(&[])));
            assert!(start.elapsed() < Duration::from_secs(8), "the default limit was waited for");
        }
        let (code, stdout, stderr) = run(&format!("{batch} --tasks-per-worker 3"), "");
        assert_eq!((code, stdout, stderr), (Some(0), expected(&[]), String::new()));
    }
}

/// Few descriptors mean fewer workers and one warning.
#[test]
fn few_descriptors_mean_fewer_workers() {
    for backend in BACKENDS.into_iter().filter(|_| there_are_processes()) {
        let script =
            format!("ulimit -n 40; exec \"$0\" batch 0..300 --workers 64 --backend {backend}");
        let fib = env!("CARGO_BIN_EXE_fib");
        let output = Command::new("sh").args(["-c", &script, fib]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected(&[]));
        let start = format!("warning: {backend}: the system granted ");
        assert!(stderr.starts_with(&start), "{stderr}");
    }
}

/// The processes that a program has started.
fn children(parent: u32) -> BTreeSet<u32> {
    let parent_of = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

/// Whether the system ends a worker when its program is killed. A worker that has just started asks
/// for this, and then replaces its standard input.
fn ends_with_its_parent(worker: u32) -> bool {
    let input = fs::read_link(format!("/proc/{worker}/fd/0"));
    input.is_ok_and(|file| file == Path::new("/dev/null"))
}

/// The names in a folder, without semaphores: this program has none, but Python's pools have some while
/// another test runs them.
fn names(folder: &str) -> BTreeSet<std::ffi::OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    names.filter(|name| !name.to_string_lossy().starts_with("sem.")).collect()
}

fn signal(pid: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), signal);
}

/// A long batch on three workers, once all of them are there.
fn long_batch(backend: &str) -> (Child, BTreeSet<u32>) {
    let batch = format!("batch 3000x100000 --kernel iterative --workers 3 --backend {backend}");
    let program = fib(&batch, "").stdout(Stdio::null()).spawn().unwrap();
    let workers = three_children(program.id());
    (program, workers)
}

fn three_children(parent: u32) -> BTreeSet<u32> {
    let start = Instant::now();
    loop {
        let mut workers = children(parent);
        workers.retain(|&worker| ends_with_its_parent(worker));
        if workers.len() == 3 {
            return workers;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no workers");
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn nothing_is_left_when_the_program_is_killed() {
    let shared = names("/dev/shm");
    for round in 0..50u64 {
        let backend = BACKENDS[round as usize % 2];
        if !there_are_processes() {
            continue;
        }
        let (mut program, workers) = long_batch(backend);
        sleep(Duration::from_micros(round * 211 % 9000));
        if round % 5 == 0 {
            signal(*workers.first().unwrap(), Signal::STOP); // even one that cannot notice
        }
        signal(program.id(), Signal::KILL);
        program.wait().unwrap();
        let start = Instant::now();
        while let Some(left) = workers.iter().find(|&&pid| !has_ended(&pid.to_string())) {
            let in_time = start.elapsed() < Duration::from_secs(2);
            assert!(
                in_time,
                "round {round}: {:?}",
                fs::read_to_string(format!("/proc/{left}/stat"))
            );
            sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(names("/dev/shm"), shared);
}

/// A worker without its pool gets an explanation, not a hang.
#[test]
fn a_worker_is_not_started_by_hand() {
    if there_are_processes() {
        let mut worker = fib("fib-process-worker 1", "");
        worker.env("FIB_PROCESS_WORKER_OF", "1").stdin(Stdio::null());
        let output = worker.output().unwrap();
        assert_eq!(output.status.code(), Some(70));
        assert!(String::from_utf8(output.stderr).unwrap().contains("worker of a process pool"));
    }
}

/// Ctrl-Z and `fg`. The pause does not count as a stall of the workers.
#[test]
fn a_program_that_was_stopped_goes_on() {
    let expected = fib("batch 0..=5000 --backend sequential", "").output().unwrap().stdout;
    for entry in fib::REGISTRY {
        let mut command = fib(&format!("batch 0..=5000 --workers 2 --backend {}", entry.name), "");
        command.args(["--stall-limit", "2"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, whose parent is in another group, obeys SIGTSTP.
        let program = std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let program = program.spawn().unwrap();
        sleep(Duration::from_millis(30));
        signal(program.id(), Signal::TSTP);
        let is_pool = BACKENDS.contains(&entry.name);
        sleep(Duration::from_millis(if is_pool { 3000 } else { 100 }));
        let stat = fs::read_to_string(format!("/proc/{}/stat", program.id())).unwrap();
        let is_stopped = stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T');
        signal(program.id(), Signal::CONT);
        let output = program.wait_with_output().unwrap();
        assert!(is_stopped, "{}: {stat}", entry.name);
        assert_eq!(output.status.code(), Some(0), "{}", entry.name);
        assert!(output.stdout == expected && output.stderr.is_empty(), "{}", entry.name);
    }
}

/// A worker that is lost while it starts is replaced like any other.
#[test]
fn a_worker_may_be_killed_or_stopped_at_its_start() {
    let expected = fib("batch 0..=1500 --backend sequential", "").output().unwrap().stdout;
    for round in 0..24u64 {
        let backend = BACKENDS[round as usize % 2];
        if !there_are_processes() {
            continue;
        }
        let batch = format!("batch 0..=1500 --workers 2 --stall-limit 2 --backend {backend}");
        let program =
            fib(&batch, "").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        let worker = loop {
            if let Some(&worker) = children(program.id()).first() {
                break worker;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no worker");
        };
        sleep(Duration::from_micros(round / 2 * 500));
        // A stopped worker costs a second, so there are few of them.
        let stop = round % 12 == 0 || round % 12 == 11;
        signal(worker, if stop { Signal::STOP } else { Signal::KILL });
        let output = program.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "round {round}: {said}");
        assert!(output.stdout == expected, "round {round}");
        assert!(said.lines().all(|line| line.starts_with("warning: ")), "{said}");
    }
}
