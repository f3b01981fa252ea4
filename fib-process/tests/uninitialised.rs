//! A program whose `main` does not begin with `init` must not start itself again and again.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers of tests a panic is a finding

use fib_process::{Builder, Error};
use std::num::NonZero;
use std::process::Command;

fn refusal(builder: Builder) -> String {
    let Err(Error::Backend { reason, .. }) = builder.build().map(drop) else {
        panic!("it was built")
    };
    reason
}

fn builder() -> Builder {
    Builder::new(NonZero::new(2).unwrap())
}

fn this() -> Command {
    let mut this = Command::new(std::env::current_exe().unwrap());
    this.args(["--exact", "workers_start_no_workers"]);
    this
}

const REFUSED: &str = "`main` must begin with `fib_process::init()`";

#[test]
fn without_init_there_is_no_pool() {
    assert_eq!(refusal(builder()), REFUSED);
}

/// Nor if it is its own worker by its own choice: this test is run by the workers as well.
#[test]
fn workers_start_no_workers() {
    if std::env::var_os("FIB_PROCESS_WORKER_OF").is_some() {
        let code = if refusal(builder().program(this())) == REFUSED { 42 } else { 1 };
        std::process::exit(code);
    }
    let reason = refusal(builder().program(this()));
    assert!(reason.starts_with("a worker ended with exit code 42 before it was ready"), "{reason}");
}
