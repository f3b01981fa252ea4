//! The tests of the thread backends, in one binary so that it links once.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod conformance;
mod forks;
mod gil;
