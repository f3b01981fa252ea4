//! Everything that a caller sees, against num-bigint and against residues.
#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

mod levels;
mod oracle;
mod products;
mod quadratics;
mod refusals;
mod threads;
