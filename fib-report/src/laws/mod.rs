//! Laws of parallel speedup: pure functions of measurements. A law refuses measurements that it
//! cannot be fitted to.

mod crossing;
mod fit;
mod refusal;
mod usl;

pub use crossing::{Crossing, break_even, metg};
pub use refusal::Refusal;
pub(crate) use refusal::{Range, significant};
pub use usl::{Usl, usl};

use fit::fit;
use std::collections::BTreeSet;

/// The range of the serial fraction of Karp and Flatt.
pub(crate) const KARP_FLATT: Range = Range { parameter: "serial fraction", ..GUSTAFSON };

/// The range of the serial fraction of Amdahl's law.
pub(crate) const AMDAHL: Range = Range {
    parameter: "serial fraction",
    most: 1.0,
    below: "the speedup grows faster than the number of workers",
    above: "the speedup falls with more workers",
};

/// The range of the serial fraction of Gustafson's law.
pub(crate) const GUSTAFSON: Range = Range {
    parameter: "serial fraction",
    most: 1.0,
    below: "the speedup is higher than the number of workers",
    above: "the speedup is below 1",
};

/// The range of the contention of the USL.
pub(crate) const CONTENTION: Range = Range { parameter: "contention", ..AMDAHL };

/// The range of the coherency of the USL.
pub(crate) const COHERENCY: Range = Range {
    parameter: "coherency",
    most: f64::INFINITY,
    below: "the speedup grows faster than contention alone allows",
    above: "",
};

/// The experimentally determined serial fraction, e = (1/S - 1/p) / (1 - 1/p), of a speedup S on p
/// workers (Karp and Flatt, CACM 33(5), 1990); `None` for one worker. It is below 0 if S > p, and
/// above 1 if S < 1: whether noise can explain that, only the rounds together tell.
pub fn karp_flatt(speedup: f64, workers: usize) -> Option<f64> {
    let share = 1.0 / workers as f64;
    (workers > 1).then(|| (1.0 / speedup - share) / (1.0 - share))
}

/// Amdahl's law of a backend that pays a tax with one worker already: S = 1 / (t (f + (1 - f) / p)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amdahl {
    /// f: the share of the work that runs on one worker (Amdahl, AFIPS 1967).
    pub serial: f64,
    /// t: how much longer than the baseline one worker takes. Without it, f would count the tax as
    /// serial work: a tax of 10 % reads as f = 0.09 where the truth is 0.05.
    pub tax: f64,
}

impl Amdahl {
    /// The speedup of this many workers.
    pub fn speedup(&self, workers: usize) -> f64 {
        amdahl_speedup(self.serial, workers) / self.tax
    }
}

/// Fits the law to `points` of workers and speedup, by least squares of ln S.
/// p/S = t (1 + f (p - 1)) is linear in t and t f.
///
/// Noise may put f outside 0 to 1. Each round keeps the f that it has, because a fit that stops at 0
/// in some rounds would move the medians of the other parameters. The median over the rounds is cut.
///
/// # Errors
/// With fewer than 3 different worker counts, because one f and one t fit any two of them.
pub fn amdahl(points: &[(usize, f64)]) -> Result<Amdahl, Refusal> {
    enough(points, 3)?;
    let [tax, product] = fit(points, |p| [1.0, p - 1.0]);
    Ok(Amdahl { serial: product / tax, tax })
}

/// The speedup that Gustafson's law gives p workers.
pub(crate) fn gustafson_speedup(serial: f64, workers: usize) -> f64 {
    let p = workers as f64;
    p - serial * (p - 1.0)
}

/// The speedup that Amdahl's law gives p workers without a tax.
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
        return Err(Refusal::NoGrowingBatch);
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
        fn what_a_law_generated_is_recovered(
            f in 0.0..1.0, tax in 0.8..3.0, most in 3usize..64,
        ) {
            let law = Amdahl { serial: f, tax };
            let amdahls: Vec<_> = (1..=most).map(|p| (p, law.speedup(p))).collect();
            let found = amdahl(&amdahls).unwrap();
            prop_assert!((found.serial - f).abs() < 1e-9, "{found:?}");
            prop_assert!((found.tax / tax - 1.0).abs() < 1e-9, "{found:?}");
            let scaled = |p: usize| (p, p as f64 - f * (p as f64 - 1.0));
            let gustafsons: Vec<_> = (1..=most).map(scaled).collect();
            prop_assert!((gustafson(&gustafsons).unwrap() - f).abs() < 1e-9);
            prop_assert!((karp_flatt(amdahl_speedup(f, most), most).unwrap() - f).abs() < 1e-9);
        }
    }

    #[test]
    fn a_tax_is_not_a_serial_fraction() {
        let law = Amdahl { serial: 0.05, tax: 1.1 };
        let found = amdahl(&[1, 2, 4, 8].map(|p| (p, law.speedup(p)))).unwrap();
        assert!((found.serial - 0.05).abs() < 1e-9 && (found.tax - 1.1).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn too_few_points_are_refused() {
        let two = [(1, 1.0), (2, 1.9), (2, 1.8)];
        assert_eq!(amdahl(&two), Err(Refusal::FewWorkerCounts { found: 2, needed: 3 }));
        assert_eq!(gustafson(&[(1, 1.0)]), Err(Refusal::NoGrowingBatch));
        assert_eq!(gustafson(&[]), Err(Refusal::NoGrowingBatch));
        let five: Vec<_> = (1..=5).map(|p| (p, p as f64)).collect();
        assert_eq!(usl(&five), Err(Refusal::FewWorkerCounts { found: 5, needed: 6 }));
    }
}
