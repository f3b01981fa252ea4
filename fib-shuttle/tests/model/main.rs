//! The thread models of the backends, of forks, of cancellation and progress, and of streams, in one binary so that it
//! links once.
#![cfg(shuttle)]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod backends;
mod forks;
mod probe;
mod streams;
