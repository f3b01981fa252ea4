//! The tests of the program and of the repository, in one binary so that it links once.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod advise;
mod engines;
mod neighbours;
mod predictions;
mod processes;
mod program;
mod records;
mod report;
mod resume;
mod resumed;
mod streaming;
mod support;
mod trace;
mod transcripts;
mod workspace;
