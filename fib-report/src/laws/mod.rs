//! Laws of parallel speedup: pure functions of measurements. A law refuses measurements that it
//! cannot be fitted to.

mod crossing;
mod fit;
mod usl;

pub use crossing::{Crossing, break_even, metg};
pub use usl::{Usl, usl};

use serde::{Serialize, Serializer};
use std::collections::BTreeSet;

/// Why a law cannot be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are too few different worker counts up to the number of cores.
    #[error(
        "the law needs {needed} different worker counts up to the number of cores, and {found} \
         were measured"
    )]
    FewWorkerCounts {
        /// The number of worker counts that were measured.
        found: usize,
        /// The number of worker counts that the law needs.
        needed: usize,
    },
    /// No parameters of the law come near the measurements.
    #[error("the times do not follow this law")]
    NoFit,
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The experimentally determined serial fraction, e = (1/S - 1/p) / (1 - 1/p), of a speedup S on p
/// workers (Karp and Flatt, CACM 33(5), 1990); `None` for one worker.
pub fn karp_flatt(speedup: f64, workers: usize) -> Option<f64> {
    let share = 1.0 / workers as f64;
    (workers > 1).then(|| (1.0 / speedup - share) / (1.0 - share))
}

/// The serial fraction f of S = 1 / (f + (1 - f) / p) (Amdahl, AFIPS 1967), by least squares of 1/S
/// on 1/p over `points` of workers and speedup.
///
/// # Errors
/// With fewer than 3 different worker counts, because one f fits any two of them.
pub fn amdahl(points: &[(usize, f64)]) -> Result<f64, Refusal> {
    enough(points, 3)?;
    let x = |p: usize| 1.0 / p as f64;
    let products = points.iter().map(|&(p, s)| (1.0 / s - x(p)) * (1.0 - x(p)));
    let squares = points.iter().map(|&(p, _)| (1.0 - x(p)).powi(2));
    Ok(products.sum::<f64>() / squares.sum::<f64>())
}

/// The speedup that Amdahl's law gives p workers.
pub fn amdahl_speedup(serial: f64, workers: usize) -> f64 {
    1.0 / (serial + (1.0 - serial) / workers as f64)
}

/// The serial fraction s of S = p - s (p - 1) (Gustafson, CACM 31(5), 1988), by least squares over
/// `points` of workers and scaled speedup. The speedups come from batches that grow with the
/// workers.
///
/// # Errors
/// Without a worker count above one.
pub fn gustafson(points: &[(usize, f64)]) -> Result<f64, Refusal> {
    let parallel: Vec<_> = points.iter().filter(|(p, _)| *p > 1).collect();
    if parallel.is_empty() {
        return Err(Refusal::FewWorkerCounts { found: 0, needed: 1 });
    }
    let x = |p: usize| p as f64 - 1.0;
    let products = parallel.iter().map(|&&(p, s)| (p as f64 - s) * x(p));
    let squares = parallel.iter().map(|&&(p, _)| x(p).powi(2));
    Ok(products.sum::<f64>() / squares.sum::<f64>())
}

fn enough(points: &[(usize, f64)], needed: usize) -> Result<(), Refusal> {
    let found = points.iter().map(|(p, _)| p).collect::<BTreeSet<_>>().len();
    if found < needed { Err(Refusal::FewWorkerCounts { found, needed }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literal_numbers() {
        // From the article of Karp and Flatt: a speedup of 1.95 on 2 processors gives e = 0.0256.
        assert!((karp_flatt(1.95, 2).unwrap() - 0.0256).abs() < 1e-4);
        assert_eq!(karp_flatt(1.0, 1), None);
        assert_eq!(karp_flatt(4.0, 4), Some(0.0));
        // From Gustafson's article: s = 0.4 % on 1024 processors gives a speedup of 1020.
        assert!((gustafson(&[(1, 1.0), (1024, 1020.0)]).unwrap() - 0.0039).abs() < 1e-4);
        // By Amdahl's law, a serial fraction of 5 % limits the speedup to 20.
        assert!((amdahl_speedup(0.05, 1_000_000) - 20.0).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn what_a_law_generated_is_recovered(f in 0.0..1.0, most in 3usize..64) {
            let amdahls: Vec<_> = (1..=most).map(|p| (p, amdahl_speedup(f, p))).collect();
            prop_assert!((amdahl(&amdahls).unwrap() - f).abs() < 1e-9);
            let scaled = |p: usize| (p, p as f64 - f * (p as f64 - 1.0));
            let gustafsons: Vec<_> = (1..=most).map(scaled).collect();
            prop_assert!((gustafson(&gustafsons).unwrap() - f).abs() < 1e-9);
            prop_assert!((karp_flatt(amdahl_speedup(f, most), most).unwrap() - f).abs() < 1e-9);
        }
    }

    #[test]
    fn too_few_points_are_refused() {
        let two = [(1, 1.0), (2, 1.9), (2, 1.8)];
        assert_eq!(amdahl(&two), Err(Refusal::FewWorkerCounts { found: 2, needed: 3 }));
        assert!(gustafson(&[(1, 1.0)]).is_err() && gustafson(&[]).is_err());
        let five: Vec<_> = (1..=5).map(|p| (p, p as f64)).collect();
        assert_eq!(usl(&five), Err(Refusal::FewWorkerCounts { found: 5, needed: 6 }));
    }
}
