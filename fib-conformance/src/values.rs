//! Properties of the results: every number is right, for any batch and any chunking.

use super::oracle::{LAST, assert_right};
use super::{build, with_each_worker_count};
use fib_core::kernels::{KERNELS, in_text, unlimited};
use fib_core::{
    Chunking, Descriptor, FibBackend, Kernel, Modulus, Options, ResidueMethod, compute, residues,
};
use std::sync::Arc;

/// Batches whose order, repeats or sizes have caught mistakes: limb boundaries (93/94, 186/187), powers of
/// two, descending and interleaved indices.
fn batches() -> Vec<Vec<u64>> {
    vec![
        (0..400).collect(),
        (0..400).rev().collect(),
        vec![1000; 30],
        vec![92, 93, 94, 185, 186, 187, 0, 1, 2, 3, 93],
        (0..11).flat_map(|k| [(1 << k) - 1, 1 << k, (1 << k) + 1]).collect(),
        (0..60).map(|i| i * 7919 % LAST).collect(),
        (0..100).flat_map(|i| [2000 + i, i, 2000 + i]).collect(),
        vec![0, 0, 0],
        vec![LAST],
    ]
}

fn chunkings() -> Vec<Chunking> {
    let parse = |text: &str| text.parse().expect("a chunking");
    ["per-worker:1", "per-worker:3", "balanced:1", "balanced:8", "items:1", "items:7"]
        .map(parse)
        .into()
}

/// A kernel, and the kernel that writes its numbers as text.
fn both_forms(kernel: Arc<dyn Kernel>) -> [Arc<dyn Kernel>; 2] {
    let text = in_text(&kernel);
    [kernel, text]
}

fn assert_batch(backend: &dyn FibBackend, wanted: &[u64]) {
    let exact = unlimited().map(|entry| (entry.get)()).flat_map(both_forms);
    let modulo = ResidueMethod::ALL.map(|method| residues(Modulus::WORD, method));
    for kernel in exact.chain(modulo) {
        for chunking in chunkings() {
            let options = Options { chunking, ..Options::default() };
            let what = format!("{} {chunking}, {} indices", kernel.name(), wanted.len());
            let table = compute(backend, &kernel, wanted, &options);
            assert_right(&table.unwrap_or_else(|e| panic!("{what}: {e}")), wanted, &what);
        }
    }
}

pub(crate) fn agree(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        batches().iter().for_each(|wanted| assert_batch(backend, wanted));
    });
}

pub(crate) fn short_batches(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let workers = backend.workers().get() as u64;
        for len in [0, 1, workers - 1, workers, workers + 1] {
            let wanted: Vec<u64> = (0..len).map(|i| 90 + i).collect();
            assert_batch(backend, &wanted);
        }
    });
}

/// Pseudo-random batches and chunkings, the same in every run. The message names the seed.
pub(crate) fn any_batch(descriptor: &Descriptor) {
    let backend = build(descriptor, 2);
    for seed in 0..24u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |limit: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % limit
        };
        let (len, limit) = (below(80), 1 + below(LAST));
        let wanted: Vec<u64> = (0..len).map(|_| below(limit)).collect();
        let kind = ["per-worker", "balanced", "items"][below(3) as usize];
        let chunking = format!("{kind}:{}", 1 + below(20)).parse().expect("a chunking");
        let options = Options { chunking, ..Options::default() };
        let kernel = both_forms((KERNELS[below(3) as usize].get)())[below(2) as usize].clone();
        let what = format!("seed {seed}: {} {chunking}", kernel.name());
        let table = compute(&*backend, &kernel, &wanted, &options);
        assert_right(&table.unwrap_or_else(|e| panic!("{what}: {e}")), &wanted, &what);
    }
}
