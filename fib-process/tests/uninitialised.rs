//! A program must not start itself again and again if its `main` does not begin with `init`.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used)] // a panic in a test helper fails the test

use fib_process::{Builder, Error};
use std::num::NonZero;
use std::process::Command;

fn refusal(builder: Builder) -> String {
    let Err(Error::Backend { reason, .. }) = builder.build().map(drop) else {
        panic!("the pool was built")
    };
    reason
}

fn builder() -> Builder {
    Builder::new(NonZero::new(2).unwrap())
}

fn this_test() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "workers_start_no_workers"]);
    command
}

const REFUSED: &str = "`main` must begin with `fib_process::init()`";

#[test]
fn without_init_there_is_no_pool() {
    assert_eq!(refusal(builder()), REFUSED);
}

/// A worker cannot start a pool either, even if it names a program to start. The workers of this
/// test run this same test.
#[test]
fn workers_start_no_workers() {
    if std::env::var_os("FIB_PROCESS_WORKER_OF").is_some() {
        let code = if refusal(builder().program(this_test())) == REFUSED { 42 } else { 1 };
        std::process::exit(code);
    }
    let reason = refusal(builder().program(this_test()));
    assert!(reason.starts_with("a worker exited with code 42 before it was ready"), "{reason}");
}
