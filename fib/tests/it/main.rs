//! The tests of the facade, in one binary so that it links once.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod examples;
mod registry;
mod stream;

// The example has a test of its own, which runs the conformance suite.
#[expect(dead_code, reason = "its `main` is not called here")]
#[path = "../../examples/04-your-own-backend.rs"]
mod your_own_backend;
