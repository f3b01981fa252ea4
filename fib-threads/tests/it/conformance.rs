//! The suite every backend passes.

use fib_conformance::check;

#[test]
fn threads_static() {
    check(&fib_threads::STATIC);
}

#[test]
fn threads_queue() {
    check(&fib_threads::QUEUE);
}

#[test]
fn threads_pool() {
    check(&fib_threads::POOL);
}

#[test]
fn gil() {
    check(&fib_threads::GIL);
}
