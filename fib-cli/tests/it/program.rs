//! The program as a process: what transcripts cannot show.

use crate::support::text;
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};

fn fib(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    command.args(arguments.split_whitespace());
    command
}

fn piped(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The output of `fib` for this standard input.
fn with_input(arguments: &str, input: &[u8]) -> Output {
    let mut child = piped(fib(arguments));
    // The program may refuse its input before all of it is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Code and stderr, with nothing on stdout.
fn refusal(output: &Output) -> (Option<i32>, &str) {
    assert_eq!(text(&output.stdout), "");
    (output.status.code(), text(&output.stderr))
}

#[test]
fn specs_come_from_standard_input_and_files() {
    let output = with_input("batch 7 -", b"\xef\xbb\xbf10 # ten\r\n\r\n0..3");
    assert_eq!(text(&output.stdout), "7\t13\n10\t55\n0\t0\n1\t1\n2\t1\n");
    assert!(output.status.success());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("specs");
    std::fs::write(&file, "3x20\n").unwrap();
    let output = fib("batch 1 --in").arg(&file).output().unwrap();
    assert_eq!(text(&output.stdout), "1\t1\n20\t6765\n20\t6765\n20\t6765\n");
}

#[test]
fn bad_input_is_named_with_its_place() {
    let output = with_input("batch -", b"1 2\n3 1e6\n");
    let expected = "expected N, A..B, A..=B or KxN in decimal digits, or a scenario name";
    let line = format!("error: standard input:2:3: '1e6': {expected}\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), line.as_str()));
    assert_eq!(text(&output.stdout), "1\t1\n2\t1\n"); // the lines before were computed as they came
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"1 2\n3 1e6\n").unwrap();
    let output = fib("batch 5 --in").arg(file.path()).output().unwrap();
    let line = format!("error: {}:2:3: '1e6': {expected}\n", file.path().display());
    assert_eq!(refusal(&output), (Some(2), line.as_str())); // a file is checked first
    let output = with_input("batch -", &[b'7'; 3 << 20]);
    let line = "error: standard input:1: the line is longer than 1048576 bytes\n";
    assert_eq!(refusal(&output), (Some(2), line));
    let folder = tempfile::tempdir().unwrap();
    let output = fib("batch --in").arg(folder.path()).output().unwrap();
    assert_eq!(refusal(&output).0, Some(2));
    assert!(refusal(&output).1.ends_with("Is a directory (os error 21)\n"));
}

#[test]
fn every_backend_prints_the_same_bytes() {
    let output = |backend: &str, workers: usize, chunking: &str| {
        let how = format!("--backend {backend} --workers {workers} --chunking {chunking}");
        let output = fib(&format!("batch 0..300 40x250 9 {how}")).output().unwrap();
        assert!(output.status.success(), "{how}");
        output.stdout
    };
    let baseline = output("sequential", 1, "balanced:8");
    for backend in fib::REGISTRY {
        for (workers, chunking) in [(1, "per-worker:1"), (3, "items:7"), (64, "balanced:2")] {
            assert_eq!(output(backend.name, workers, chunking), baseline, "{}", backend.name);
        }
    }
}

/// A reader that has seen enough is no error.
#[test]
fn a_closed_pipe_is_quiet() {
    let mut child = piped(fib("batch 0..5000"));
    let mut first = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap(); // and hang up
    assert_eq!(&first, b"0\t0\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_record_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    std::fs::write(&file, "precious").unwrap();
    let output = fib("compare --record").arg(&file).output().unwrap();
    assert_eq!(refusal(&output).0, Some(5));
    assert!(refusal(&output).1.contains("File exists"));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}

#[test]
fn compare_prints_json_lines_and_records_samples() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record");
    let compare = "compare --scenario 10xF100,100xF1000 --time 0.2 --format json --record";
    let output = fib(compare).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let lines: Vec<_> = text(&output.stdout).lines().map(parse).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    // each scenario: every backend, the baseline among them, and the best sequential algorithm
    let cells = 2 * (fib::REGISTRY.len() + 1);
    let expected = [vec!["header"], vec!["cell"; cells], vec!["scenario"; 2]].concat();
    assert_eq!(kinds, expected);
    for cell in lines.iter().filter(|line| line["kind"] == "cell") {
        assert_eq!(cell["status"], "ok");
        let is_sequential = cell["backend"] == "sequential";
        assert!(is_sequential || cell["chunking"] == "balanced:8", "{cell}");
        for number in ["workers", "rounds", "wall_ns"] {
            assert!(cell[number].as_f64().unwrap() > 0.0, "{number}: {cell}");
        }
        for part in ["median", "low", "high"] {
            assert!(cell["speedup"][part].as_f64().unwrap() > 0.0, "{part}: {cell}");
        }
        let is_baseline = cell["backend"] == "sequential" && cell["kernel"] == "iterative";
        let verdict = cell["verdict"].as_str();
        assert!(
            is_baseline || ["faster", "slower", "equal", "unresolved"].contains(&verdict.unwrap()),
            "{cell}"
        );
    }
    let header = &lines[0];
    assert!(header["command"].as_str().unwrap().starts_with("fib compare --scenario"));
    assert!(header["crates"]["num-bigint"].is_string() && header["compiler"].is_string());
    let record = std::fs::read_to_string(&file).unwrap();
    assert_eq!(&parse(record.lines().next().unwrap()), header);
    assert!(record.lines().skip(1).all(|line| parse(line)["kind"] == "sample"));
}

#[test]
fn verify_checks_every_cell() {
    let output = fib("compare --verify --full --workers 1,3 --kernel doubling").output().unwrap();
    let cells = fib_bench::SCENARIOS.len() * (2 * (fib::REGISTRY.len() - 1) + 1);
    assert_eq!(text(&output.stdout), format!("{cells} of {cells} cells right\n"));
    assert!(output.status.success());
}

#[test]
fn completions_and_man_pages_name_every_command() {
    let commands = ["calc", "batch", "compare", "list"];
    for arguments in ["completions bash", "completions zsh", "completions fish", "man"] {
        let output = fib(arguments).output().unwrap();
        assert!(commands.iter().all(|name| text(&output.stdout).contains(name)), "{arguments}");
    }
    let output = fib("man compare").output().unwrap();
    assert!(text(&output.stdout).contains("\\-\\-scenario"));
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    fn shell(script: &str) -> Output {
        let program = env!("CARGO_BIN_EXE_fib");
        Command::new("sh").args(["-c", script, "sh", program]).output().unwrap()
    }

    #[test]
    fn a_full_disk_and_a_closed_stdout_are_noticed() {
        let full = shell("\"$1\" batch 0..100 >/dev/full");
        let line =
            "error: cannot write to standard output: No space left on device (os error 28)\n";
        assert_eq!(refusal(&full), (Some(5), line));
        let closed = shell("\"$1\" calc 10 >&-");
        assert_eq!(
            refusal(&closed),
            (Some(5), "error: cannot write to standard output: it is closed\n")
        );
        assert_eq!(shell("\"$1\" calc 10 >/dev/null").status.code(), Some(0));
        assert_eq!(refusal(&shell("\"$1\" --help >/dev/full")), (Some(5), line));
        assert_eq!(shell("\"$1\" --version >&-").status.code(), Some(5));
    }

    /// An absurd request is refused at once, and with hardly any memory.
    #[test]
    fn absurd_requests_are_refused_early() {
        for request in
            ["calc 1000000000000", "batch 0..=18446744073709551615", "batch 5 9x1000000000000"]
        {
            let start = Instant::now();
            // 200 MB of address space: the program, not its results.
            let refused = shell(&format!("ulimit -v 200000; \"$1\" {request}"));
            assert_eq!(refusal(&refused).0, Some(3), "{request}: {}", text(&refused.stderr));
            assert!(start.elapsed() < Duration::from_secs(20), "{request} was computed");
        }
    }

    /// Memory that the limit allows and the system refuses is an error, not an abort.
    #[test]
    fn refused_memory_is_an_error() {
        let refused = shell("ulimit -v 300000; \"$1\" calc 5000000000 --max-memory 100G");
        let line = "error: the system refused 996.5 MB for the results\n";
        assert_eq!(refusal(&refused), (Some(3), line));
    }

    /// A user who may have no further thread gets the results from the one thread there is. Only root
    /// can become a user without other processes.
    #[test]
    fn one_thread_is_enough() {
        if rustix::process::geteuid().is_root() {
            let folder = tempfile::tempdir().unwrap();
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
            let program = folder.path().join("fib");
            std::fs::copy(env!("CARGO_BIN_EXE_fib"), &program).unwrap();
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=65533",
                "--regid=65533",
                "--clear-groups",
                "prlimit",
                "--nproc=1",
            ]);
            command.arg(program).args(["batch", "0..1500", "--backend", "sequential"]);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            let expected = fib("batch 0..1500 --backend sequential").output().unwrap();
            assert_eq!(output.stdout, expected.stdout);
            assert!(text(&output.stderr).starts_with("warning: the first signal may not stop"));
        }
    }

    /// A user who may have 12 threads at once asks for 1024 workers. Root may have any number, so
    /// it becomes nobody first; an ordinary user's other processes count, so a pool may get none.
    #[test]
    fn refused_threads_mean_fewer_workers() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("fib");
        std::fs::copy(env!("CARGO_BIN_EXE_fib"), &program).unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let root = rustix::process::geteuid().is_root();
        let expected = fib("batch 0..1500 --backend sequential").output().unwrap().stdout;
        for backend in fib::REGISTRY.iter().filter(|entry| entry.name != "sequential") {
            let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
            let limit = ["prlimit", "--nproc=12"];
            let program = [program.to_str().unwrap(), "batch", "0..1500", "--workers", "1024"];
            let words = [if root { &nobody[..] } else { &[] }, &limit, &program].concat();
            let output =
                Command::new(words[0]).args(&words[1..]).args(["--backend", backend.name]).output();
            let output = output.unwrap();
            let stderr = text(&output.stderr);
            if !root && output.status.code() == Some(4) {
                assert!(stderr.starts_with("error: "), "{}: {stderr}", backend.name);
                continue;
            }
            assert_eq!(output.status.code(), Some(0), "{}: {stderr}", backend.name);
            assert_eq!(output.stdout, expected, "{}", backend.name);
            let warning = format!("warning: {}: the system granted ", backend.name);
            assert!(stderr.starts_with(&warning) && stderr.lines().count() == 1, "{stderr}");
        }
    }
}
