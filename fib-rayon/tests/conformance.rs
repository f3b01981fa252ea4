//! The suite every backend passes.

#[test]
fn rayon() {
    fib_core::conformance::check(&fib_rayon::RAYON);
}
