//! Engines: ours, the built-in Python engine, the engine in the documentation, and wrong engines.

use crate::support::text;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const FIB: &str = env!("CARGO_BIN_EXE_fib");

fn check(command: &[&str]) -> Output {
    // Where a calibration goes.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    let mut check = Command::new(FIB);
    check.args(["engine", "check"]).args(command).env("XDG_CACHE_HOME", cache).output().unwrap()
}

/// Asserts that everything holds, and gives the number of what was tried.
fn holds(output: &Output) -> usize {
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}{}", text(&output.stderr));
    let lines = report.lines().count() - 1;
    assert!(report.ends_with(&format!("{lines} of {lines} checks passed\n")), "{report}");
    lines
}

#[test]
fn our_own_engine_holds() {
    // The hello, its contents, and six checks of every backend with one worker and with two;
    // `sequential` has one. The program adds `auto` to the registry.
    let backends = fib::REGISTRY.len() + 1;
    assert_eq!(holds(&check(&[FIB, "runner"])), 2 + 12 * backends - 6);
}

#[test]
fn the_python_engine_holds() {
    let has = |module: &str| {
        let import =
            Command::new("python3").args(["-I", "-c", &format!("import {module}")]).output();
        usize::from(import.unwrap().status.success())
    };
    let (numpy, numba) = (has("numpy"), has("numba"));
    let pools = has("fib_parallel") + has("joblib") + has("dask, distributed");
    // `loop`, numpy, numpy-object and numba have one worker at most.
    let expected = 2 + 6 + (4 + pools) * 12 + numpy * 2 * 6 + numpy * numba * (6 + 12);
    assert_eq!(holds(&check(&["python"])), expected);
}

/// `-S` hides the packages that are installed, so the backends that need them are left out.
#[test]
fn backends_without_their_packages_are_left_out_with_the_reason() {
    let mut bare = fib_bench::engine::python::command().unwrap();
    bare[1] = "-IS".into();
    let engine = fib_bench::engine::Engine::ask(bare).unwrap().capabilities;
    assert_eq!(engine.backends.len(), 5);
    let left_out: Vec<_> = engine.left_out.iter().map(|b| (&*b.name, &*b.reason)).collect();
    let (numpy, numba) = ("No module named 'numpy'", "No module named 'numba'");
    let expected = [
        ("extension-threads", "No module named 'fib_parallel'"),
        ("joblib", "No module named 'joblib'"),
        ("dask", "No module named 'dask'"),
        ("numpy", numpy),
        ("numpy-object", numpy),
        ("numba", numba),
        ("numba-prange", numba),
    ];
    assert_eq!(left_out, expected);
}

/// What the backend `extension-threads` needs of the package `fib_parallel`.
const EXTENSION: &str = "
class Table(tuple):
    def to_ints(self):
        return list(self)

def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a

def batch(indices, *, backend, workers, kernel):
    assert (backend, workers) == ('sequential', 1)
    assert kernel in ('iterative', 'doubling', 'stepping')
    return Table(map(fib, indices))
";

#[test]
fn threads_over_an_extension_hold() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fib_parallel.py"), EXTENSION).unwrap();
    let command = fib_bench::engine::python::command().unwrap();
    let script = command[3].to_str().unwrap();
    let script = format!("import sys\nsys.path.insert(0, {:?})\n{script}", folder.path());
    assert_eq!(holds(&check(&["python3", "-IS", "-c", &script])), 2 + 6 + 5 * 12);
}

/// The threads of the pool are bound, each to the next CPU, and the main thread is not.
#[cfg(target_os = "linux")]
#[test]
fn the_python_engine_binds_threads_if_it_is_asked_to() {
    let command = fib_bench::engine::python::command().unwrap();
    let mut engine = Command::new(&command[0]);
    engine.args(&command[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut engine = engine.spawn().unwrap();
    let (mut requests, mut replies) =
        (engine.stdin.take().unwrap(), BufReader::new(engine.stdout.take().unwrap()));
    let mut bound = |pin: bool| {
        let build = r#""op": "build", "backend": "threads", "workers": 2, "chunking": "items:1""#;
        writeln!(requests, "{{{build}, \"pin\": {pin}}}").unwrap();
        let mut reply = String::new();
        replies.read_line(&mut reply).unwrap();
        assert!(reply.contains("wall_ns"), "{reply}");
        let tasks = fs::read_dir(format!("/proc/{}/task", engine.id())).unwrap();
        let cpus = tasks.map(|task| {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let line = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).unwrap();
            line.trim().to_owned()
        });
        cpus.collect::<Vec<_>>()
    };
    let (free, pinned) = (bound(false), bound(true));
    let all = &free[0];
    assert!(free.iter().all(|cpus| cpus == all), "{free:?}");
    // A thread whose number is enough for the first batch is the only one that the pool starts.
    let single = |cpus: &&String| cpus.parse::<usize>().is_ok();
    assert_eq!(pinned[0], *all);
    assert!(pinned.len() > 1 && pinned[1..].iter().all(|cpus| single(&cpus)), "{pinned:?}");
    drop(requests);
    engine.wait().unwrap();
}

/// The Python code block of docs/engines.md.
pub(crate) fn example() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/engines.md");
    let docs = fs::read_to_string(docs).unwrap();
    let block = docs.split("```python\n").nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

pub(crate) fn script(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("engine.py");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn the_engine_of_the_documentation_holds_and_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let example = example();
    assert!(example.lines().count() < 60);
    let file = script(folder.path(), &example);
    assert_eq!(holds(&check(&["python3", file.to_str().unwrap()])), 2 + 6);
}

/// The engine of the documentation, with a thread that spins from the first reply on.
#[cfg(target_os = "linux")]
#[test]
fn an_engine_that_does_not_sleep_is_named_and_stopped_between_its_turns() {
    let folder = tempfile::tempdir().unwrap();
    let spin = "import threading\ndef spin():\n    while True:\n        pass\n";
    let first = "if threading.active_count() == 1:\n        threading.Thread(target=spin, daemon=True).start()";
    let engine = example().replacen("import json", &format!("{spin}import json"), 1);
    let reply = "print(json.dumps(reply), flush=True)";
    assert!(engine.contains(&format!("    {reply}")));
    let engine = engine.replacen(reply, &format!("{reply}\n    {first}"), 1);
    let file = script(folder.path(), &engine);
    let mut compare = Command::new(FIB);
    compare.args(["--quiet", "compare", "--scenario", "10xF100", "--backend", "rayon"]);
    compare.args(["--time", "1", "--engine"]).arg(format!("python3 {}", file.display()));
    let output = compare.output().unwrap();
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}{}", text(&output.stderr));
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "CPUs in a moment in which it had nothing to do; it was stopped between its turns";
    assert!(report.contains(expected), "{report}");
}

/// Each of these changes makes the example an engine that must not be believed.
#[test]
fn engines_that_must_not_be_believed_are_found() {
    let bad = [
        ("return a\n", "return a + (n == 93)\n", "the digest is"),
        ("range(request[\"repeats\"])", "range(1)", "five times as long as one run: 40 runs"),
        ("\"wall_ns\": wall_ns", "\"wall_ns\": wall_ns * 10**9", "it reports"),
        ("if request[\"kernel\"] != \"iterative\":", "if False:", "an unknown kernel is accepted"),
        ("\"protocol\": 1, \"engine\"", "\"protocol\": 2, \"engine\"", "it speaks protocol 2"),
        ("\"baseline\": \"loop\"", "\"baseline\": \"lop\"", "it has no backend lop"),
        ("print(json.dumps(reply), flush=True)", "print('hm', flush=True)", "invalid reply: hm"),
        ("for line in sys.stdin:", "raise SystemExit('out of luck')\nfor line in []:", "of luck"),
    ];
    for (right, wrong, finding) in bad {
        let folder = tempfile::tempdir().unwrap();
        let example = example();
        assert!(example.contains(right), "{right}");
        let file = script(folder.path(), &example.replacen(right, wrong, 1));
        let output = check(&["python3", file.to_str().unwrap()]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{wrong}: {report}");
        let failure = report.lines().find(|line| line.starts_with("FAIL"));
        assert!(failure.is_some_and(|line| line.contains(finding)), "{wrong}: {report}");
    }
}

#[test]
fn a_comparison_with_another_engine_shows_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = script(folder.path(), &example());
    let engine = format!("python3 {}", file.display());
    let compare = ["compare", "--scenario", "10xF100", "--time", "0.3", "--format", "csv"];
    let output = Command::new(FIB).args(compare).args(["--engine", &engine]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let row = text(&output.stdout).lines().find(|line| line.contains("snake/loop")).unwrap();
    assert!(row.contains(",ok,"), "{row}");
}

#[test]
fn an_engine_that_is_not_there_is_bad_input() {
    let compare = ["compare", "--time", "0.3", "--engine", "/no/such/engine"];
    let output = Command::new(FIB).args(compare).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.starts_with("error: engine /no/such/engine: cannot start"), "{error}");
    assert_eq!(error.lines().count(), 1);
}

/// The folder that the user is in may hold anything, and none of it is a module of the engine.
#[test]
fn the_working_folder_is_not_code() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("json.py"), "open('imported', 'w')\n").unwrap();
    let verify = ["compare", "--verify", "--scenario", "10xF100", "--engine", "python"];
    let output = Command::new(FIB).args(verify).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!folder.path().join("imported").exists());
}

/// A runner replies to every line with one line, whatever the line says.
#[test]
fn a_runner_answers_whatever_it_is_told() {
    let mut runner = Command::new(FIB)
        .arg("runner")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let requests = "\n{}\nnull\n{\"op\":\"run\",\"repeats\":1}\n{\"op\":\"hello\",\"protocol\":7}\n\
                    {\"op\":\"load\",\"kernel\":\"iterative\",\"indices\":[18446744073709551615]}\n\
                    {\"op\":\"build\",\"backend\":\"sequential\",\"workers\":0,\"chunking\":\"x\",\
                    \"pin\":false}\n{\"op\":\"hello\",\"protocol\":1}\n";
    runner.stdin.take().unwrap().write_all(requests.as_bytes()).unwrap();
    let output = runner.wait_with_output().unwrap();
    assert!(output.status.success());
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let replies: Vec<_> = text(&output.stdout).lines().map(parse).collect();
    assert_eq!(replies.len(), 8);
    assert!(replies[..7].iter().all(|reply| reply["error"].is_string()), "{replies:?}");
    assert_eq!(replies[7]["engine"], "fib");
}
