//! The tests of the seam and of the kernels, in one binary so that it links once.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod cancel;
mod conformance;
mod forks;
mod kernels;
