//! The suite every backend passes.
#![cfg(unix)]

use fib_core::conformance::check;

/// Tests have no `main` of their own: this runs before it.
// SAFETY: in a worker it serves and exits, elsewhere it sets a flag; the standard library's
// arguments, threads and sockets work before `main` on the systems these tests run on.
#[ctor::ctor(unsafe)]
fn init() {
    fib_process::init();
}

#[test]
fn process() {
    check(&fib_process::PIPES);
}

#[test]
fn process_shm() {
    check(&fib_process::SHARED);
}
