//! The tests of the facade, in one binary so that it links once.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod examples;
mod registry;
