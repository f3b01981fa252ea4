//! Finds out whether stdout was closed when the program started.
//!
//! In that case the standard library opens /dev/null in its place before `main`, and output would
//! be lost silently. So the check must run before the standard library starts.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether stdout was closed when the program started. On systems other than Unix always false.
pub(crate) fn was_closed() -> bool {
    CLOSED.load(Relaxed)
}

// SAFETY: this runs before `main`, when the standard library is not set up. It makes one system
// call and stores to an atomic, and neither needs the standard library.
#[cfg(unix)]
#[ctor::ctor(unsafe)]
fn check() {
    CLOSED.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Relaxed);
}
