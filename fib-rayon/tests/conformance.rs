//! The suite every backend passes.

#[test]
fn rayon() {
    fib_conformance::check(&fib_rayon::RAYON);
}
