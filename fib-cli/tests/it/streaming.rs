//! `fib batch` as a stream, and where its output goes.
#![cfg(unix)]

use crate::support::{names, text};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs a script of the shell, in which `$1` is the program.
fn shell(script: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_fib");
    Command::new("sh").args(["-c", script, "sh", program]).output().unwrap()
}

fn fib_in(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

fn started(arguments: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A limit of the file size is a disk that becomes full in the middle of a record.
#[test]
fn a_record_that_was_cut_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    for backend in ["sequential", "rayon"].into_iter().filter(|name| fib::by_name(name).is_some()) {
        let limited = format!(
            "trap '' XFSZ; ulimit -f 99; \"$1\" batch 0..=1500 --backend {backend} > {}",
            file.display()
        );
        let output = shell(&limited);
        assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
        let written = fs::read_to_string(&file).unwrap();
        let all = shell("\"$1\" batch 0..=1500").stdout;
        assert!(
            written.len() > 40_000 && written.ends_with('\n') && text(&all).starts_with(&written)
        );
    }
}

#[test]
fn results_come_while_the_input_is_open() {
    let mut program = started("batch -");
    let (mut input, output) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
    let mut lines = BufReader::new(output).lines();
    for (n, number) in [("90", "2880067194370816120"), ("10", "55"), ("0", "0")] {
        writeln!(input, "{n}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), format!("{n}\t{number}"));
    }
    drop(input);
    assert!(lines.next().is_none() && program.wait().unwrap().success());
}

/// The results of this batch take 80 MB and its tables 320 MB, but a window takes a few.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_batch() {
    let script = "ulimit -v 300000; \
                  yes 90 | head -n 10000000 | \"$1\" batch - -b sequential -k doubling | tail -n 1";
    assert_eq!(text(&shell(script).stdout), "90\t2880067194370816120\n");
    let script = "yes 90 | \"$1\" batch - | head -n 1000 | tail -n 1";
    assert_eq!(text(&shell(script).stdout), "90\t2880067194370816120\n");
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let done = fib_in(path, "batch 0..3 --out new");
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), ""));
    assert_eq!(fs::read_to_string(path.join("new")).unwrap(), "0\t0\n1\t1\n2\t1\n");

    fs::write(path.join("specs"), "5\nnonsense\n").unwrap();
    fs::write(path.join("old"), "precious").unwrap();
    for (arguments, code) in [
        ("batch 5 --in specs --out old", 2),
        ("batch 1000000000000 --out old", 3),
        ("batch 5 --max-index 4 --out old", 3),
        ("batch 0..=1000000 --kernel iterative --timeout 0.2 --out old", 124),
        ("batch 0..3 --out missing/new", 5),
        ("batch 0..3 --out /dev/full", 5),
        ("batch 0..3 --out .", 5),
    ] {
        let failed = fib_in(path, arguments);
        assert_eq!(failed.status.code(), Some(code), "{arguments}: {}", text(&failed.stderr));
        assert_eq!(fs::read_to_string(path.join("old")).unwrap(), "precious", "{arguments}");
    }
    for (input, code) in [("5\\nnonsense", 2), ("5\\n1000000000000", 3)] {
        let script = format!("cd {}; printf '{input}' | \"$1\" batch - --out old", path.display());
        assert_eq!(shell(&script).status.code(), Some(code), "{input}");
        assert_eq!(fs::read_to_string(path.join("old")).unwrap(), "precious", "{input}");
    }
    // One long multiplication does not stop in time, so the program ends without it.
    let late = fib_in(path, "calc 300000000 --timeout 0.1 --out old");
    assert_eq!(late.status.code(), Some(124));
    assert_eq!(fs::read_to_string(path.join("old")).unwrap(), "precious");
    assert_eq!(names(path), ["new", "old", "specs"], "no temporary file is left");
}

#[test]
fn links_are_followed_and_permissions_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("target"), "").unwrap();
    fs::set_permissions(path.join("target"), PermissionsExt::from_mode(0o666)).unwrap();
    symlink("target", path.join("link")).unwrap();
    assert!(fib_in(path, "calc 10 --out link").status.success());
    assert!(path.join("link").is_symlink());
    assert_eq!(fs::read_to_string(path.join("target")).unwrap(), "55\n");
    let mode = fs::metadata(path.join("target")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666, "wider than a usual umask allows");
    symlink("not-yet", path.join("dangling")).unwrap();
    assert!(fib_in(path, "calc 10 --out dangling").status.success());
    assert_eq!(fs::read_to_string(path.join("not-yet")).unwrap(), "55\n");
    for device in ["/dev/stdout", "/dev/fd/1"] {
        let direct = fib_in(path, &format!("batch 10 --out {device}"));
        assert_eq!(text(&direct.stdout), "10\t55\n", "{}", text(&direct.stderr));
    }
}

/// The standard library takes a file that cannot be written for one that takes everything.
#[test]
fn output_that_cannot_be_written_is_noticed() {
    for command in ["calc 10", "batch 10", "list"] {
        let output = shell(&format!("\"$1\" {command} 1</dev/null"));
        let error = "error: cannot write to standard output: Bad file descriptor (os error 9)\n";
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(5), error), "{command}");
    }
}

/// A pipe that does not block is full most of the time here.
#[test]
#[cfg(target_os = "linux")]
fn a_slow_reader_of_a_pipe_that_does_not_block_gets_everything() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib"));
    let mut program = command.args(["batch", "0..=1500"]).stdout(writer).spawn().unwrap();
    drop(command); // and with it this end of the pipe
    let mut all = vec![];
    let mut part = [0; 16 << 10];
    loop {
        sleep(Duration::from_millis(2));
        match reader.read(&mut part).unwrap() {
            0 => break,
            length => all.extend_from_slice(&part[..length]),
        }
    }
    assert!(program.wait().unwrap().success());
    assert_eq!(text(&all).lines().count(), 1501);
    assert!(all == shell("\"$1\" batch 0..=1500").stdout);
}

/// The numbers of this batch take milliseconds each, so some of them are finished in time.
#[test]
fn the_end_of_the_time_leaves_whole_lines() {
    let output = shell("\"$1\" batch 1000000x20000 --kernel iterative --timeout 1");
    assert_eq!(output.status.code(), Some(124));
    let lines = text(&output.stdout).lines().count();
    let said = text(&output.stderr);
    assert!(said.starts_with("timed out after ") && said.ends_with(" of 1,000,000 numbers\n"));
    assert_eq!(said.replace(',', "").split(' ').nth(3).unwrap().parse(), Ok(lines));
    assert!(text(&output.stdout).ends_with('\n') && lines > 0);
}

#[test]
#[cfg(target_os = "linux")]
fn an_ignored_signal_stays_ignored() {
    let script = "trap '' INT; exec \"$1\" batch - -b sequential";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_fib")]);
    let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = program.stdin.take().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    writeln!(input, "10").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "10\t55"); // so the signals are watched by now
    let pid = rustix::process::Pid::from_child(&program);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    writeln!(input, "20").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "20\t6765");
    drop(input);
    assert_eq!(program.wait().unwrap().code(), Some(0));
}

/// The input is open when the time is over, and the results so far are whole.
#[test]
#[cfg(target_os = "linux")]
fn a_pipe_as_the_file_is_read_as_it_arrives() {
    let mut program = started("batch --in /dev/stdin --timeout 1");
    let mut input = program.stdin.take().unwrap();
    input.write_all(&b"90\n".repeat(1000)).unwrap();
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(124));
    assert_eq!(text(&output.stdout).lines().count(), 1000);
    assert_eq!(text(&output.stderr), "timed out after 1,000 numbers\n");
    drop(input);
}

/// The program waits for input when the signal comes, so nothing but the signal can end it.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_a_batch_that_waits_for_input() {
    let mut program = started("batch -");
    let mut input = program.stdin.take().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    writeln!(input, "10").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "10\t55");
    let pid = rustix::process::Pid::from_child(&program);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let start = Instant::now();
    assert_eq!(program.wait().unwrap().code(), Some(143));
    assert!(start.elapsed() < Duration::from_secs(10));
    let mut said = String::new();
    program.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "interrupted after 1 number\n");
    drop(input);
}
