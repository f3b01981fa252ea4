//! A program whose `main` does not begin with `init` must not start itself again and again.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use fib_process::{Builder, Error};
use std::num::NonZero;

#[test]
fn without_init_there_is_no_pool() {
    let refused = Builder::new(NonZero::new(2).unwrap()).build();
    let Err(Error::Backend { reason, .. }) = refused.map(drop) else { panic!("it was built") };
    assert_eq!(reason, "`main` must begin with `fib_process::init()`");
}
