//! Every example runs and prints what it promises.

use std::path::PathBuf;
use std::process::Command;

/// `cargo test` builds the examples beside the tests.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder: PathBuf = test.parent().unwrap().parent().unwrap().join("examples");
    let file = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(file.exists(), "{} is built by `cargo test`", file.display());
    Command::new(file)
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn examples_print_what_they_promise() {
    for (name, part) in [
        ("01-one-number", "F(1000) = 43466557686937456435"),
        ("02-a-batch", "F(10000) has 6942 bits"),
        ("03-swap-backends", "the calling thread alone"),
        ("05-your-own-kernel", "F(1000000) mod 2^64 = 14197223477820724411"), // by addition modulo 2^64
        ("07-cancel-and-progress", "cancelled, with "),
    ] {
        let printed = output(&mut example(name));
        assert!(printed.contains(part), "{name}: {printed}");
        assert!(!printed.contains("OTHER NUMBERS"), "{printed}");
    }
}

/// With a static, a dynamic and an exclusive backend, each of which shows what its workers did.
#[cfg(feature = "threads")]
#[test]
fn the_timeline_has_a_line_for_each_worker() {
    let printed = output(&mut example("06-timeline"));
    let workers = fib::Settings::default().workers.get();
    assert_eq!(printed.matches("  worker ").count(), 3 * workers, "{printed}");
}

#[test]
fn a_backend_of_ones_own_joins_every_command() {
    let run =
        |arguments: &str| output(example("04-your-own-backend").args(arguments.split_whitespace()));
    assert!(run("list backends").contains("my-stack"));
    let batch = run("batch 0..300 40x250 --backend my-stack --workers 3");
    assert_eq!(batch, run("batch 0..300 40x250 --backend sequential"));
    let verified = run("compare --verify --backend my-stack --scenario 10xF100,range-1000");
    assert_eq!(verified, "4 of 4 cells right\n");
    let measured = run("-q compare --backend my-stack --scenario 10xF100 --time 0.2 --format csv");
    assert!(measured.contains(",my-stack,"), "{measured}");
}
