//! A batch takes a constant number of allocations for each chunk, however long it is. The count is of this
//! process, so this test is alone in its binary.
#![expect(unsafe_code, reason = "an allocator cannot be written without it")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

use fib_core::kernels::{doubling, in_text, iterative, stepping};
use fib_core::{Kernel, Layout, MemoryLimit, Options, Sequential, Table, execute};
use std::alloc::{GlobalAlloc, Layout as Allocation, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts allocations.
struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the allocator of the system as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Allocation) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Allocation) {
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of one run of a batch in a warm arena, cut into this many chunks.
fn allocations(kernel: &Arc<dyn Kernel>, indices: &[u64], chunks: usize) -> usize {
    let layout = Layout::new(Arc::clone(kernel), indices, MemoryLimit::default()).unwrap();
    let mut table = Table::new(layout).unwrap();
    let chunking = format!("per-worker:{chunks}").parse().unwrap();
    let options = Options { chunking, ..Options::default() };
    let before = COUNT.load(Relaxed);
    execute(&Sequential, &mut table, &options).unwrap();
    COUNT.load(Relaxed) - before
}

#[test]
fn a_batch_takes_as_many_allocations_as_it_has_chunks() {
    for kernel in [iterative(), doubling(), stepping()] {
        for kernel in [Arc::clone(&kernel), in_text(&kernel)] {
            let of = |count: u64, chunks| {
                let ranges: Vec<u64> = (0..count).map(|i| 1000 + i % 500).collect();
                allocations(&kernel, &ranges, chunks)
            };
            let what = format!("{} {:?}", kernel.name(), kernel.form());
            of(1, 1); // what is looked up once in a process
            assert_eq!(of(500, 1), of(20_000, 1), "{what}: more numbers");
            // The first index of a chunk may need larger buffers than the one before.
            let (one, hundred) = (of(20_000, 1), of(20_000, 100));
            assert!(hundred <= 100 * one, "{what}: {one} for one chunk, {hundred} for 100");
            assert!(one <= 40, "{what}: {one} for one chunk");
        }
    }
    let sparse: Vec<u64> = (0..3000).map(|i| 10 * i + i % 7).collect();
    for kernel in [stepping(), in_text(&stepping())] {
        let growing = allocations(&kernel, &sparse, 1);
        assert!(growing < 100, "buffers that grow with the numbers: {growing}");
    }
}
