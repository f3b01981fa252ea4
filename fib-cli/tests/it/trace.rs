//! `fib trace`: the drawing, the trace events, and what it refuses.

use crate::records::fib;
use crate::support::text;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The names of all backends.
fn all_backends() -> Vec<&'static str> {
    fib::REGISTRY.iter().map(|entry| entry.name).collect()
}

/// Traces all backends in ASCII with two workers; the drawing and the events.
fn traced(file: &Path, batch: &[&str]) -> (String, Value) {
    let how = ["--workers", "2", "--backend", &all_backends().join(","), "--ascii", "--out"];
    let arguments = [&["trace"], batch, &how, &[file.to_str().unwrap()]].concat();
    let output = fib(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let events = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    (text(&output.stdout).to_owned(), events)
}

/// The metadata events with this name: the process, the thread, and the name that they get.
fn names<'a>(events: &'a [Value], kind: &str) -> Vec<(u64, Option<u64>, &'a str)> {
    let named = events.iter().filter(|event| event["ph"] == "M" && event["name"] == kind);
    let fields = |event: &'a Value| {
        let name = event["args"]["name"].as_str().unwrap();
        (event["pid"].as_u64().unwrap(), event["tid"].as_u64(), name)
    };
    named.map(fields).collect()
}

#[test]
fn trace_events_are_the_chunks_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (drawing, trace) = traced(&folder.path().join("trace"), &["0..600", "-c", "items:20"]);
    let events = trace["traceEvents"].as_array().unwrap();
    assert!(events.iter().all(|event| ["M", "X"].contains(&event["ph"].as_str().unwrap())));
    let processes = names(events, "process_name");
    assert_eq!(processes.iter().map(|(.., name)| *name).collect::<Vec<_>>(), all_backends());
    let threads = names(events, "thread_name");
    for run in trace["otherData"]["runs"].as_array().unwrap() {
        let (pid, wall) = (run["pid"].as_u64().unwrap(), number(&run["wall_us"]));
        let own = threads.iter().filter(|(process, ..)| *process == pid);
        let own: Vec<_> = own.map(|(_, tid, name)| (tid.unwrap(), *name)).collect();
        assert_eq!(own.len() as u64, run["workers"].as_u64().unwrap());
        assert!(own.iter().enumerate().all(|(i, (_, name))| *name == format!("worker {}", i + 1)));
        let of_run = |category: &str| -> Vec<&Value> {
            let is_own = |event: &&Value| event["ph"] == "X" && event["pid"] == pid;
            events.iter().filter(is_own).filter(|event| event["cat"] == category).collect()
        };
        let chunks = of_run("chunk");
        check_batch(&chunks);
        check_pauses(&of_run("lock"), &chunks);
        let computing = check_times(&chunks, wall, &own);
        // The drawing was made from the same run.
        let heading = format!("{}, ", run["backend"].as_str().unwrap());
        let mut below = drawing.lines().skip_while(|line| !line.starts_with(&heading));
        let parts = below.find(|line| line.starts_with("computing ")).unwrap();
        let shown = parts.split(['%', ' ']).nth(1).unwrap().parse::<f64>().unwrap();
        let share = 100.0 * computing / wall / own.len() as f64;
        assert!((share - shown).abs() < 0.51, "{share}, but {parts}");
    }
}

/// The chunks are the whole batch, F(0) to F(599), in chunks of 20 with growing costs.
fn check_batch(chunks: &[&Value]) {
    let args = chunks.iter().map(|event| &event["args"]);
    let mut next = 0;
    for (number, args) in args.clone().enumerate() {
        assert_eq!(args["chunk"], number);
        assert_eq!((&args["first"], &args["last"]), (&next.into(), &(next + 19).into()));
        assert_eq!(args["numbers"], 20);
        next += 20;
    }
    assert_eq!(next, 600);
    assert!(args.clone().map(|args| number(&args["cost"])).is_sorted());
}

/// Each time of waiting lies in a chunk of its thread, and together they are the waiting of the chunks.
fn check_pauses(pauses: &[&Value], chunks: &[&Value]) {
    let end = |event: &Value| number(&event["ts"]) + number(&event["dur"]) + 1e-6;
    let is_inside = |pause: &Value, chunk: &Value| {
        let starts = number(&chunk["ts"]) <= number(&pause["ts"]) + 1e-6;
        pause["tid"] == chunk["tid"] && starts && end(pause) <= end(chunk) + 1e-6
    };
    for pause in pauses {
        assert!(chunks.iter().any(|chunk| is_inside(pause, chunk)), "{pause}");
    }
    let waited: f64 = pauses.iter().map(|pause| number(&pause["dur"])).sum();
    let known: f64 = chunks.iter().map(|chunk| number(&chunk["args"]["paused_us"])).sum();
    // Each time is rounded to a nanosecond.
    assert!(
        (waited - known).abs() <= 0.002 * (pauses.len() + chunks.len()) as f64,
        "{waited} {known}"
    );
}

/// The chunks lie in the run, and those of a thread do not overlap. Returns the time outside of waiting.
fn check_times(chunks: &[&Value], wall: f64, threads: &[(u64, &str)]) -> f64 {
    let mut by_thread: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    let mut computing = 0.0;
    for event in chunks {
        let (start, duration) = (number(&event["ts"]), number(&event["dur"]));
        let paused = number(&event["args"]["paused_us"]);
        assert!(start >= 0.0 && (0.0..=duration).contains(&paused), "{event}");
        assert!(start + duration <= wall + 1e-6, "{event}: the run takes {wall}");
        by_thread.entry(event["tid"].as_u64().unwrap()).or_default().push((start, duration));
        computing += duration - paused;
    }
    for (thread, mut spans) in by_thread {
        assert!(threads.iter().any(|(tid, _)| *tid == thread));
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(spans.is_sorted_by(|a, b| a.0 + a.1 <= b.0 + 1e-6), "{spans:?}");
    }
    computing
}

#[test]
fn drawings_fit_the_terminal_and_share_an_axis() {
    let folder = tempfile::tempdir().unwrap();
    let (drawing, _) = traced(&folder.path().join("trace"), &["--scenario", "range-1000"]);
    assert!(drawing.is_ascii() && drawing.lines().all(|line| line.len() <= 80), "{drawing}");
    assert!(
        drawing.starts_with("range-1000: 1000 numbers, kernel iterative, chunking balanced:8\n")
    );
    let axes: Vec<&str> = drawing.lines().filter(|line| line.trim().starts_with("|0 ")).collect();
    assert_eq!(axes.len(), fib::REGISTRY.len());
    assert!(axes.iter().all(|axis| *axis == axes[0]), "{axes:?}");
    let rows = |name: &str| drawing.lines().filter(|line| line.starts_with(name)).count();
    let parallel = fib::REGISTRY.len() - 1;
    assert_eq!((rows("worker 1 "), rows("worker 2 ")), (parallel + 1, parallel));
    assert!(drawing.contains("\nsequential, 1 worker: "), "{drawing}");
}

#[test]
fn several_chunkings_are_drawn_one_below_the_other() {
    let chunkings = "per-worker:1,items:100";
    let backend = fib::default_backend().name;
    let output = fib(&["trace", "0..300", "-w", "2", "-b", backend, "-c", chunkings]);
    let drawn = text(&output.stdout);
    let heading = |chunking| format!("\n{backend}@{chunking}, 2 workers: ");
    assert!(drawn.contains(&heading("per-worker:1")) && drawn.contains(&heading("items:100")));
    assert!(drawn.contains(", 2 chunks\n") && drawn.contains(", 3 chunks\n"), "{drawn}");
    assert!(drawn.contains('█') && drawn.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn what_cannot_be_traced_is_refused_as_by_batch() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let nowhere = inside("missing/trace");
    for (arguments, code, problem) in [
        (&["trace", "1e6"][..], 2, "error: spec 1: '1e6': expected"),
        (&["trace", "5..5"], 2, "error: an empty batch has nothing to run"),
        (&["trace"], 2, "error: the following required arguments were not provided"),
        (&["trace", "5", "--backend", "none"], 2, "error: invalid value 'none'"),
        (
            &["trace", "5", "--scenario", "skewed"],
            2,
            "error: the argument '[SPEC]...' cannot be used",
        ),
        (&["trace", "10x100000", "--max-memory", "50K"], 3, "error: computing this needs"),
        (&["trace", "1..50", "--max-index", "40"], 3, "error: F(49) is above the limit of F(40)"),
        (&["trace", "5", "--workers", "2000"], 2, "error: invalid value '2000'"),
        (&["trace", "5", "--out", &nowhere], 5, "error: cannot write "),
    ] {
        let output = fib(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).starts_with(problem), "{}", text(&output.stderr));
    }
}

/// Standard output has either the drawing or the events, so that either can be read by a program.
#[cfg(unix)]
#[test]
fn events_on_standard_output_stand_alone() {
    let output = fib(&["trace", "0..50", "--out", "/dev/stdout"]);
    assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["traceEvents"].is_array());
}

/// Hours of work: the signal or the end of the time ends it, and no file appears.
#[cfg(target_os = "linux")]
#[test]
fn what_is_interrupted_leaves_nothing() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let long = ["trace", "100000x20000", "--out", file.to_str().unwrap()];
    let said = " before all runs were done, so there is nothing to draw\n";
    let output = fib(&[&long[..], &["--timeout", "0.3"]].concat());
    assert_eq!(output.status.code(), Some(124));
    assert!(
        text(&output.stderr).ends_with(&format!("timed out{said}")),
        "{}",
        text(&output.stderr)
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    let mut long =
        command.args(long).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    crate::support::wait(|| {
        // The signal handlers are there: SIGINT is caught.
        let status = fs::read_to_string(format!("/proc/{}/status", long.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap();
        u64::from_str_radix(caught, 16).unwrap() & 2 != 0
    });
    kill_process(Pid::from_child(&long), Signal::INT).unwrap();
    assert_eq!(long.wait().unwrap().code(), Some(130));
    assert!(!file.exists());
}
