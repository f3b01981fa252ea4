//! How a batch is cut into chunks. Chunking is a value, so it can be an axis of a comparison.

use crate::layout::Layout;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// How a batch is cut into chunks. One worker runs a whole chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chunking {
    /// `per-worker:K`: K chunks for each worker, with the same number of indices in each chunk.
    PerWorker(NonZeroUsize),
    /// `balanced:K`: K chunks for each worker, with the same predicted cost in each chunk. If starting a
    /// chunk is expensive, because the kernel must seek its first index, there are fewer chunks, but
    /// at least one for each worker.
    Balanced(NonZeroUsize),
    /// `items:N`: N indices in each chunk, like `chunksize` of Python's pools.
    Items(NonZeroUsize),
}

impl Default for Chunking {
    /// `balanced:8`: with eight chunks for each worker, the last worker is late by at most about an
    /// eighth of its share, and a chunk costs about a microsecond to hand out.
    fn default() -> Self {
        const EIGHT: NonZeroUsize = NonZeroUsize::new(8).unwrap();
        Chunking::Balanced(EIGHT)
    }
}

impl Chunking {
    /// The largest number of chunks that a batch with this many slots is cut into.
    pub fn most(self, slots: usize, workers: NonZeroUsize) -> usize {
        match self {
            Chunking::Items(size) => slots.div_ceil(size.get()),
            Chunking::PerWorker(k) | Chunking::Balanced(k) => {
                k.saturating_mul(workers).get().min(slots)
            }
        }
    }

    /// The ends of the chunks as slot numbers, ascending. No chunk is empty, and the last end is
    /// the number of slots.
    pub fn cut(self, layout: &Layout, workers: NonZeroUsize) -> Vec<usize> {
        let slots = layout.slots();
        let most = self.most(slots, workers);
        match self {
            Chunking::Items(size) => (0..slots)
                .step_by(size.get())
                .map(|s| s.saturating_add(size.get()).min(slots))
                .collect(),
            Chunking::PerWorker(_) => equal_counts(slots, most),
            Chunking::Balanced(_) => {
                let worth = layout.chunks_worth_starting().max(workers.get());
                equal_costs(layout.costs(), most.min(worth))
            }
        }
    }
}

fn equal_counts(slots: usize, chunks: usize) -> Vec<usize> {
    let end = |i: usize| (slots as u128 * i as u128 / chunks as u128) as usize;
    (1..=chunks).map(end).collect()
}

/// `costs[i]` is the predicted cost of all slots up to and including slot i.
fn equal_costs(costs: &[f64], chunks: usize) -> Vec<usize> {
    let total = costs.last().copied().unwrap_or(0.0);
    if total <= 0.0 {
        return equal_counts(costs.len(), chunks);
    }
    let share = total / chunks as f64;
    // Chunk i ends after the slot whose running sum of costs is nearest to i shares.
    let end = |i: usize| {
        let wanted = share * i as f64;
        let count = costs.partition_point(|&sum| sum <= wanted);
        let shortfall = wanted - count.checked_sub(1).map_or(0.0, |last| costs[last]);
        let excess = costs.get(count).map_or(f64::INFINITY, |&sum| sum - wanted);
        if excess < shortfall { count + 1 } else { count }
    };
    let mut ends: Vec<usize> = (1..chunks).map(end).chain([costs.len()]).collect();
    ends.dedup();
    ends.retain(|&end| end > 0); // the first index may cost more than a share
    ends
}

impl fmt::Display for Chunking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chunking::PerWorker(k) => write!(f, "per-worker:{k}"),
            Chunking::Balanced(k) => write!(f, "balanced:{k}"),
            Chunking::Items(n) => write!(f, "items:{n}"),
        }
    }
}

/// The text does not name a chunking.
#[derive(Clone, Debug, thiserror::Error)]
#[error("expected per-worker:K, balanced:K or items:N with a number from 1 up, as in balanced:8")]
pub struct ParseChunkingError;

impl FromStr for Chunking {
    type Err = ParseChunkingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').ok_or(ParseChunkingError)?;
        let number = number.parse().map_err(|_| ParseChunkingError)?;
        match kind {
            "per-worker" => Ok(Chunking::PerWorker(number)),
            "balanced" => Ok(Chunking::Balanced(number)),
            "items" => Ok(Chunking::Items(number)),
            _ => Err(ParseChunkingError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{iterative, stepping};
    use crate::memory::MemoryLimit;
    use proptest::prelude::*;

    fn cut(text: &str, indices: &[u64], workers: usize) -> Vec<usize> {
        let layout = Layout::new(iterative(), indices, MemoryLimit::default()).unwrap();
        text.parse::<Chunking>().unwrap().cut(&layout, NonZeroUsize::new(workers).unwrap())
    }

    #[test]
    fn counts_and_sizes() {
        let ten: Vec<u64> = (0..10).collect();
        assert_eq!(cut("per-worker:2", &ten, 2), [2, 5, 7, 10]);
        assert_eq!(cut("per-worker:8", &ten[..3], 2), [1, 2, 3]);
        assert_eq!(cut("items:4", &ten, 2), [4, 8, 10]);
        assert_eq!(cut(&format!("items:{}", usize::MAX), &ten, 2), [10]);
        assert_eq!(cut(&format!("balanced:{}", usize::MAX), &[7; 4], 1024), [1, 2, 3, 4]);
        for chunking in ["per-worker:3", "balanced:3", "items:3"] {
            assert!(cut(chunking, &[], 2).is_empty());
        }
    }

    /// The walk over a range near 10^6 is so cheap that a second seek for each worker would not pay.
    #[test]
    fn expensive_starts_make_fewer_chunks() {
        let count = |indices: Vec<u64>, kernel| {
            let layout = Layout::new(kernel, &indices, MemoryLimit::default()).unwrap();
            Chunking::default().cut(&layout, NonZeroUsize::new(2).unwrap()).len()
        };
        assert_eq!(count((1_000_000..1_000_100).collect(), stepping()), 2);
        assert!(count((0..20_000).collect(), stepping()) > 8);
        assert_eq!(count((10_000..10_100).collect(), iterative()), 16);
    }

    /// In a range up to n, the cost of an index grows with its square. So half of the work lies
    /// above 0.79 n.
    #[test]
    fn balanced_cuts_a_range_by_cost() {
        let range: Vec<u64> = (0..20_000).collect();
        let half = cut("balanced:1", &range, 2)[0] as f64 / 20_000.0;
        assert!((0.70..0.80).contains(&half), "{half}");
    }

    #[test]
    fn one_heavy_index_takes_a_chunk_of_its_own() {
        assert_eq!(cut("balanced:2", &[100_000, 1, 1, 1], 2).first(), Some(&1));
    }

    proptest! {
        #[test]
        fn every_cut_covers_everything_once(
            indices in prop::collection::vec(0u64..5000, 0..200),
            k in 1usize..300,
            kind in prop::sample::select(vec!["per-worker", "balanced", "items"]),
            workers in 1usize..20,
        ) {
            let ends = cut(&format!("{kind}:{k}"), &indices, workers);
            prop_assert!(ends.windows(2).all(|w| w[0] < w[1]));
            prop_assert_eq!(ends.last().copied().unwrap_or(0), indices.len());
            prop_assert!(ends.first() != Some(&0));
            let chunking: Chunking = format!("{kind}:{k}").parse().unwrap();
            let most = chunking.most(indices.len(), NonZeroUsize::new(workers).unwrap());
            prop_assert!(ends.len() <= most);
            prop_assert!(kind == "balanced" || ends.len() == most);
            prop_assert!(kind == "items" || most <= k * workers);
        }
    }

    #[test]
    fn text_round_trips_and_nonsense_is_refused() {
        for text in ["per-worker:1", "balanced:8", "items:1000"] {
            assert_eq!(text.parse::<Chunking>().unwrap().to_string(), text);
        }
        for text in
            ["", "balanced", "balanced:", "balanced:0", "balanced:-1", "even:3", "items:1e3"]
        {
            assert!(text.parse::<Chunking>().is_err(), "{text}");
        }
    }
}
