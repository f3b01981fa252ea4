//! What the numbers of a batch take to compute, one after the other, and so any chunk of them.

use crate::calibration::{Calibration, Factors};
use fib::{Chunking, Layout};
use std::num::NonZeroUsize;
use std::ops::Range;

/// A chunk as a schedule sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// What it takes to compute.
    pub ns: f64,
    /// What is copied to and fro where it is not computed in place: its indices and results.
    pub bytes: f64,
}

/// What each slot of a layout takes.
#[derive(Clone)]
pub struct Costs<'a> {
    layout: &'a Layout,
    /// Nanoseconds of all slots before each, and of all.
    sums: Vec<f64>,
    /// Nanoseconds a unit of what the kernel predicts of an index by itself.
    alone: Factors,
}

impl<'a> Costs<'a> {
    /// As the kernel predicts them, by what its predictions were worth on this machine.
    pub fn predicted(layout: &'a Layout, calibration: &Calibration) -> Self {
        let worth = calibration.worth(layout.kernel().name());
        let cost = |slot: usize| {
            let (n, cost) = (layout.indices()[slot], predicted(layout, slot));
            let is_after = slot > 0 && cost < layout.kernel().cost(n, None);
            cost * if is_after { &worth.after } else { &worth.alone }.at(n)
        };
        let sums = sums((0..layout.slots()).map(cost));
        Costs { layout, sums, alone: worth.alone }
    }

    /// From what the chunks of `cut` took one after the other, of which `total_ns` is the sum when
    /// nobody looks. Within a chunk it is split as the kernel predicts.
    pub fn measured(layout: &'a Layout, ends: &[usize], chunks_ns: &[f64], total_ns: f64) -> Self {
        let scale = total_ns / chunks_ns.iter().sum::<f64>();
        let starts = [0].into_iter().chain(ends.iter().copied());
        let chunks = starts.zip(ends).zip(chunks_ns).flat_map(|((start, &end), ns)| {
            let whole: f64 = (start..end).map(|slot| predicted(layout, slot)).sum();
            let share = move |slot| match whole > 0.0 {
                true => predicted(layout, slot) / whole,
                false => 1.0 / (end - start) as f64,
            };
            (start..end).map(move |slot| ns * scale * share(slot))
        });
        let predicted = layout.costs().last().copied().unwrap_or(0.0).max(1.0);
        Costs { layout, sums: sums(chunks), alone: Factors::constant(total_ns / predicted) }
    }

    /// All of it.
    pub fn total_ns(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// The longest slot: no schedule is shorter.
    pub fn longest_ns(&self) -> f64 {
        self.sums.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }

    /// The chunks of a job that is cut for so many workers.
    pub fn chunks(&self, chunking: Chunking, workers: NonZeroUsize) -> Vec<Piece> {
        let ends = chunking.cut(self.layout, workers);
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts.zip(&ends).map(|(start, &end)| self.piece(start..end)).collect()
    }

    /// A kernel that walks from index to index must first find where a chunk begins.
    fn piece(&self, slots: Range<usize>) -> Piece {
        let (indices, offsets) = (self.layout.indices(), self.layout.offsets());
        let first = indices[slots.start];
        let kernel = self.layout.kernel();
        let own = self.sums[slots.start + 1] - self.sums[slots.start];
        let anew = kernel.cost(first, None) * self.alone.at(first);
        let is_after = predicted(self.layout, slots.start) < kernel.cost(first, None);
        let restart = if is_after { (anew - own).max(0.0) } else { 0.0 };
        Piece {
            ns: self.sums[slots.end] - self.sums[slots.start] + restart,
            bytes: travelling(offsets[slots.end] - offsets[slots.start], slots.len()),
        }
    }
}

/// [`Piece::bytes`] of so many limbs in so many slots.
pub(crate) fn travelling(limbs: usize, slots: usize) -> f64 {
    8.0 * (limbs as f64 + slots as f64)
}

/// Running sums from 0.
fn sums(slots: impl Iterator<Item = f64>) -> Vec<f64> {
    let running = slots.scan(0.0, |sum, ns| {
        *sum += ns;
        Some(*sum)
    });
    [0.0].into_iter().chain(running).collect()
}

/// In the kernel's unit, after the slot before.
fn predicted(layout: &Layout, slot: usize) -> f64 {
    let before = slot.checked_sub(1).map(|before| layout.indices()[before]);
    layout.kernel().cost(layout.indices()[slot], before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib::{MemoryLimit, kernels};

    fn total(pieces: &[Piece]) -> f64 {
        pieces.iter().map(|piece| piece.ns).sum()
    }

    #[test]
    fn measured_chunks_are_cut_again_without_loss() {
        let indices: Vec<u64> = (0..1000).collect();
        let layout = Layout::new(kernels::iterative(), &indices, MemoryLimit::default()).unwrap();
        // Measured in four chunks, the timeline making them 10 % longer than they are.
        let ends = [250, 500, 750, 1000];
        let costs = Costs::measured(&layout, &ends, &[11.0, 33.0, 55.0, 77.0], 160.0);
        let per_worker: Chunking = "per-worker:1".parse().unwrap();
        let pieces = |p| costs.chunks(per_worker, NonZeroUsize::new(p).unwrap());
        let four: Vec<f64> = pieces(4).iter().map(|piece| piece.ns).collect();
        assert!(four.iter().zip([10.0, 30.0, 50.0, 70.0]).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!((total(&pieces(7)) - 160.0).abs() < 1e-9);
        assert!(costs.longest_ns() > 0.28 && costs.longest_ns() < 0.40, "a larger one of 70 / 250");
        let bytes: f64 = pieces(3).iter().map(|piece| piece.bytes).sum();
        assert_eq!(bytes, (8 * (layout.limbs() + 1000)) as f64);
    }

    #[test]
    fn chunks_of_a_walk_pay_for_finding_their_start() {
        let indices: Vec<u64> = (50_000..51_000).collect();
        let layout = Layout::new(kernels::stepping(), &indices, MemoryLimit::default()).unwrap();
        let whole = layout.costs()[999];
        let costs = Costs::measured(&layout, &[1000], &[whole], whole);
        let per_worker: Chunking = "per-worker:1".parse().unwrap();
        let pieces = |p| total(&costs.chunks(per_worker, NonZeroUsize::new(p).unwrap()));
        assert!((pieces(1) - whole).abs() < 1e-6 * whole);
        let seek = layout.kernel().cost(50_500, None) - layout.kernel().cost(50_500, Some(50_499));
        assert!((pieces(2) - whole - seek).abs() < 1e-6 * whole);
    }
}
