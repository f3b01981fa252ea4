//! Whether stdout was closed when the program started.
//!
//! The standard library opens /dev/null instead, before `main`, so output would be lost silently. This can
//! only be checked before that.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether stdout was closed at the start. Never on systems other than Unix.
pub(crate) fn was_closed() -> bool {
    CLOSED.load(Relaxed)
}

// SAFETY: runs before `main`, when the standard library is not set up: it makes one system call and
// stores to an atomic, which need nothing of it.
#[cfg(unix)]
#[ctor::ctor(unsafe)]
fn look() {
    CLOSED.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Relaxed);
}
