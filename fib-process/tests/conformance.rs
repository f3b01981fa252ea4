//! Runs the suite that every backend must pass.
#![cfg(unix)]

use fib_conformance::check;

/// Runs before `main`, because tests have no `main` of their own.
// SAFETY: in a worker this function serves the pool and exits; in any other process it sets a flag.
// On the systems that these tests run on, the arguments, threads and sockets of the standard
// library work before `main`.
#[ctor::ctor(unsafe)]
fn init() {
    let hooks = fib_process::Hooks { kernel: fib_conformance::kernel, ..Default::default() };
    fib_process::init_with(hooks);
}

#[test]
fn process() {
    check(&fib_process::PIPES);
}

#[test]
fn process_shm() {
    check(&fib_process::SHARED);
}
