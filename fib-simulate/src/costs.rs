//! How long each number of a batch takes to compute, and therefore how long each chunk takes.

use fib_core::Layout;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The costs of a chunk, as a schedule sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkCost {
    /// The time to compute the chunk, in nanoseconds.
    pub ns: f64,
    /// The bytes that are copied if the chunk is not computed in place: its indices and results.
    pub bytes: f64,
}

/// Pairs of an index and a factor: the measured cost of a kernel at this index, divided by its
/// predicted cost. The indices ascend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors(pub Vec<(u64, f64)>);

impl Factors {
    /// The factor for index n, interpolated in the logarithm of the index. Beyond the first and
    /// the last index, the factor of the nearest index is returned; without any factor, 1.
    pub fn get(&self, n: u64) -> f64 {
        let next = self.0.partition_point(|&(size, _)| size <= n);
        match (next.checked_sub(1).map(|last| self.0[last]), self.0.get(next)) {
            (Some((a, low)), Some(&(b, high))) => {
                let part = (n as f64 / a as f64).ln() / (b as f64 / a as f64).ln();
                low + (high - low) * part
            }
            (Some((_, only)), None) | (None, Some(&(_, only))) => only,
            (None, None) => 1.0,
        }
    }
}

/// The factors that correct the cost predictions of a kernel on this machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KernelFactors {
    /// The factors for indices that are computed from scratch.
    pub fresh: Factors,
    /// The factors for indices that are computed from the index before them, if the kernel can do
    /// that.
    pub following: Factors,
}

/// The time that each slot of a layout takes.
#[derive(Clone)]
pub struct Costs<'a> {
    layout: &'a Layout,
    /// Running sums in nanoseconds: the sum before each slot, then the sum of all slots.
    sums: Vec<f64>,
    /// Nanoseconds for each unit of predicted cost, for an index that is computed from scratch.
    fresh: Factors,
}

impl<'a> Costs<'a> {
    /// The costs that the kernel predicts, corrected by its factors on this machine.
    pub fn predicted(layout: &'a Layout, factors: &KernelFactors) -> Self {
        let cost = |slot: usize| {
            let (n, cost) = (layout.indices()[slot], predicted_cost(layout, slot));
            let follows = slot > 0 && cost < layout.kernel().cost(n, None);
            cost * if follows { &factors.following } else { &factors.fresh }.get(n)
        };
        let sums = sums((0..layout.slots()).map(cost));
        Costs { layout, sums, fresh: factors.fresh.clone() }
    }

    /// The costs from a sequential run whose chunks were timed one by one. `total_ns` is the time
    /// of the whole run, measured without reading the clock between chunks. The time of a chunk is
    /// divided among its slots in proportion to their predicted costs.
    pub fn measured(layout: &'a Layout, ends: &[usize], chunks_ns: &[f64], total_ns: f64) -> Self {
        let scale = total_ns / chunks_ns.iter().sum::<f64>();
        let starts = [0].into_iter().chain(ends.iter().copied());
        let chunks = starts.zip(ends).zip(chunks_ns).flat_map(|((start, &end), ns)| {
            let chunk_cost: f64 = (start..end).map(|slot| predicted_cost(layout, slot)).sum();
            let share = move |slot| match chunk_cost > 0.0 {
                true => predicted_cost(layout, slot) / chunk_cost,
                false => 1.0 / (end - start) as f64,
            };
            (start..end).map(move |slot| ns * scale * share(slot))
        });
        let predicted = layout.costs().last().copied().unwrap_or(0.0).max(1.0);
        let fresh = Factors(vec![(1, total_ns / predicted)]);
        Costs { layout, sums: sums(chunks), fresh }
    }

    /// The time of all slots together, in nanoseconds.
    pub fn total_ns(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// The time of the longest slot, in nanoseconds. No schedule can be shorter than this.
    pub fn longest_ns(&self) -> f64 {
        self.sums.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }

    /// The chunks of a job that is cut at these slots. Each number is the end of a chunk.
    pub(crate) fn of_chunks(&self, ends: &[usize]) -> Vec<ChunkCost> {
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts.zip(ends).map(|(start, &end)| self.chunk(start..end)).collect()
    }

    /// The costs of one chunk. A kernel that walks from index to index must compute the first index
    /// of a chunk from scratch, which adds to the time of the chunk.
    fn chunk(&self, slots: Range<usize>) -> ChunkCost {
        let (indices, offsets) = (self.layout.indices(), self.layout.offsets());
        let first = indices[slots.start];
        let kernel = self.layout.kernel();
        let slot_ns = self.sums[slots.start + 1] - self.sums[slots.start];
        let from_scratch_ns = kernel.cost(first, None) * self.fresh.get(first);
        let follows = predicted_cost(self.layout, slots.start) < kernel.cost(first, None);
        let restart_ns = if follows { (from_scratch_ns - slot_ns).max(0.0) } else { 0.0 };
        ChunkCost {
            ns: self.sums[slots.end] - self.sums[slots.start] + restart_ns,
            bytes: travelling_bytes(offsets[slots.end] - offsets[slots.start], slots.len()),
        }
    }
}

/// The [`ChunkCost::bytes`] of this many limbs in this many slots.
pub fn travelling_bytes(limbs: usize, slots: usize) -> f64 {
    8.0 * (limbs as f64 + slots as f64)
}

/// Running sums that start with 0.
fn sums(slots: impl Iterator<Item = f64>) -> Vec<f64> {
    let running = slots.scan(0.0, |sum, ns| {
        *sum += ns;
        Some(*sum)
    });
    [0.0].into_iter().chain(running).collect()
}

/// The predicted cost of a slot that is computed after the slot before it, in the unit of the
/// kernel.
fn predicted_cost(layout: &Layout, slot: usize) -> f64 {
    let previous = slot.checked_sub(1).map(|previous| layout.indices()[previous]);
    layout.kernel().cost(layout.indices()[slot], previous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib_core::{Chunking, MemoryLimit, kernels};
    use std::num::NonZeroUsize;

    #[test]
    fn factors_are_interpolated_by_size() {
        let factors = Factors(vec![(10, 2.0), (1000, 1.0)]);
        assert_eq!([0, 10, 100, 1000, 9999].map(|n| factors.get(n)), [2.0, 2.0, 1.5, 1.0, 1.0]);
        assert_eq!(Factors::default().get(7), 1.0);
    }

    /// One chunk of equal length for each worker.
    fn chunks(costs: &Costs<'_>, workers: usize) -> Vec<ChunkCost> {
        let per_worker: Chunking = "per-worker:1".parse().unwrap();
        costs.of_chunks(&per_worker.cut(costs.layout, NonZeroUsize::new(workers).unwrap()))
    }

    fn total_ns(chunks: &[ChunkCost]) -> f64 {
        chunks.iter().map(|chunk| chunk.ns).sum()
    }

    #[test]
    fn measured_chunks_are_cut_again_without_loss() {
        let indices: Vec<u64> = (0..1000).collect();
        let layout = Layout::new(kernels::iterative(), &indices, MemoryLimit::default()).unwrap();
        // Four chunks were measured. Reading the clock made each chunk 10 % longer.
        let ends = [250, 500, 750, 1000];
        let costs = Costs::measured(&layout, &ends, &[11.0, 33.0, 55.0, 77.0], 160.0);
        let chunks = |p| chunks(&costs, p);
        let four: Vec<f64> = chunks(4).iter().map(|chunk| chunk.ns).collect();
        assert!(four.iter().zip([10.0, 30.0, 50.0, 70.0]).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!((total_ns(&chunks(7)) - 160.0).abs() < 1e-9);
        // The longest slot is in the last chunk, whose slots take 70 / 250 = 0.28 on average.
        assert!(costs.longest_ns() > 0.28 && costs.longest_ns() < 0.40);
        let bytes: f64 = chunks(3).iter().map(|chunk| chunk.bytes).sum();
        assert_eq!(bytes, (8 * (layout.limbs() + 1000)) as f64);
    }

    #[test]
    fn every_chunk_of_a_walk_must_seek_its_first_index() {
        let indices: Vec<u64> = (50_000..51_000).collect();
        let layout = Layout::new(kernels::stepping(), &indices, MemoryLimit::default()).unwrap();
        let whole = layout.costs()[999];
        let costs = Costs::measured(&layout, &[1000], &[whole], whole);
        let time_ns = |p| total_ns(&chunks(&costs, p));
        assert!((time_ns(1) - whole).abs() < 1e-6 * whole);
        let seek = layout.kernel().cost(50_500, None) - layout.kernel().cost(50_500, Some(50_499));
        assert!((time_ns(2) - whole - seek).abs() < 1e-6 * whole);
    }
}
