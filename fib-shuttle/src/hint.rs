//! `std::hint`. A thread that spins lets the other threads go on.

pub use shuttle::hint::*;
