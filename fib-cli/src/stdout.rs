//! Whether stdout was closed when the program started.
//!
//! The standard library opens /dev/null in its place before `main`, so that what is written there
//! would be lost in silence. The only time to look is before.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether there was no stdout to write to; never on systems that are not Unix.
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
