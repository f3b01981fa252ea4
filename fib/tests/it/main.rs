//! The tests of the facade, in one binary so that it links once.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod examples;
mod registry;

// The example has a test of its own, which runs the conformance suite.
#[allow(dead_code)] // its `main` and what only `main` uses
#[path = "../../examples/04-your-own-backend.rs"]
mod your_own_backend;
