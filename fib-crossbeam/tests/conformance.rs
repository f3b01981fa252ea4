//! The suite every backend passes.

use fib_conformance::check;

#[test]
fn crossbeam() {
    check(&fib_crossbeam::CHANNELS);
}

#[test]
fn crossbeam_scoped() {
    check(&fib_crossbeam::SCOPED);
}
