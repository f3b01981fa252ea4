//! The last resort when the system refuses memory.
//!
//! Results and scratch memory are predicted, and refused before work, but every small allocation of
//! every crate may fail as well, under `ulimit -v` for example. The standard library would then abort
//! the program. This allocator ends it with one line and the exit code of a limit.
//!
//! A global allocator cannot be written without `unsafe`. This one only checks what the allocator of the
//! system returns.
#![allow(unsafe_code)]

use crate::unfinished::remove_unfinished;
use fib::is_asking_for_memory;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

/// An allocator for programs: the allocator of the system, but if there is no memory, the program ends
/// with an error message (on Unix) and exit code 3. A worker process ends without a message, and its
/// pool replaces it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastResort;

/// Whether this process speaks to a user. Workers do not.
static SPEAKS: AtomicBool = AtomicBool::new(false);

/// From now on a refusal prints a message.
pub(crate) fn speak() {
    SPEAKS.store(true, Relaxed);
}

// SAFETY: every call is passed on to `System`, which keeps the promises of this trait, with the same
// arguments, and what `System` returns is returned unchanged.
unsafe impl GlobalAlloc for LastResort {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the promises that `System` asks for.
        granted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        granted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above; the block came from `System`.
        granted(unsafe { System.realloc(block, layout, new_size) }, new_size)
    }
}

fn granted(block: *mut u8, bytes: usize) -> *mut u8 {
    if block.is_null() && !is_asking_for_memory() {
        end(bytes);
    }
    block
}

thread_local! {
    /// Whether this thread is ending the program. An allocation that fails then returns null.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Ends the program. Nothing here should need memory.
#[cold]
fn end(bytes: usize) {
    static IS_ENDING: AtomicBool = AtomicBool::new(false);
    if ENDS.get() {
        return;
    }
    if IS_ENDING.swap(true, Relaxed) {
        loop {
            sleep(Duration::from_secs(1)); // another thread ends the program
        }
    }
    ENDS.set(true);
    if SPEAKS.load(Relaxed) {
        say(bytes);
    }
    remove_unfinished();
    signal_hook::low_level::exit(3) // at once: no handler of another thread, no lock
}

#[cfg(unix)]
fn say(bytes: usize) {
    let mut text = [0; 96];
    let room = text.len();
    let mut rest = &mut text[..];
    let written = std::io::Write::write_fmt(
        &mut rest,
        format_args!("error: the system refused {bytes} bytes of memory\n"),
    );
    let length = room - rest.len();
    if written.is_ok() {
        let _ = rustix::io::write(rustix::stdio::stderr(), &text[..length]); // the last words
    }
}

#[cfg(not(unix))]
fn say(_bytes: usize) {}
