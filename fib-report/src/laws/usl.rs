//! The Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007).

use super::fit::fit;
use super::{Refusal, enough};

/// X(p) = g p / (1 + a (p - 1) + b p (p - 1)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    /// g: the throughput of one worker.
    pub unit: f64,
    /// a: contention, the share of work for which workers queue.
    pub contention: f64,
    /// b: coherency, the cost of keeping every pair of workers consistent.
    pub coherency: f64,
}

impl Usl {
    /// X(p).
    pub fn throughput(&self, workers: f64) -> f64 {
        self.unit * workers / self.denominator(workers)
    }

    /// The worker count with the highest throughput, sqrt((1 - a) / b); 1 if throughput falls from
    /// the first worker on, and `None` if it never falls.
    pub fn peak(&self) -> Option<f64> {
        let squared = (1.0 - self.contention) / self.coherency;
        (self.coherency > 0.0).then(|| squared.max(1.0).sqrt())
    }

    fn denominator(&self, p: f64) -> f64 {
        1.0 + self.contention * (p - 1.0) + self.coherency * p * (p - 1.0)
    }
}

/// Fits the law to `points` of workers and throughput (or speedup), by least squares of ln X.
/// p/X = (1 + a (p - 1) + b p (p - 1)) / g is linear in 1/g, a/g and b/g.
///
/// Noise may make a or b negative, and a fit of one round keeps them (see `amdahl`).
///
/// # Errors
/// With fewer than 6 different worker counts.
pub fn usl(points: &[(usize, f64)]) -> Result<Usl, Refusal> {
    enough(points, 6)?;
    let [constant, linear, square] = fit(points, |p| [1.0, p - 1.0, p * (p - 1.0)]);
    Ok(Usl { unit: 1.0 / constant, contention: linear / constant, coherency: square / constant })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_the_law_generated_is_recovered(
            unit in 0.5..1000.0, contention in 0.0..0.5, coherency in 0.0..0.01,
        ) {
            let law = Usl { unit, contention, coherency };
            let counts = [1, 2, 4, 8, 16, 32, 64];
            let points = counts.map(|p| (p, law.throughput(p as f64)));
            let found = usl(&points).unwrap();
            prop_assert!((found.unit / unit - 1.0).abs() < 1e-9, "{found:?}");
            prop_assert!((found.contention - contention).abs() < 1e-9, "{found:?}");
            prop_assert!((found.coherency - coherency).abs() < 1e-9, "{found:?}");
        }
    }

    /// 2000 fits of speedups with 3 % noise on 1, 2, 4, 8, 16 and 32 workers. Least squares of X by
    /// the method of Levenberg and Marquardt give the large speedups most of the weight. Their
    /// errors were 0.0122 for a and 0.000307 for b.
    #[test]
    fn the_errors_of_a_fit_to_noise_are_small() {
        let law = Usl { unit: 1.0, contention: 0.05, coherency: 0.0005 };
        let mut state = 1u64;
        let mut uniform = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        // The sum of twelve uniform numbers is nearly normal, with a standard deviation of 1.
        let mut noise = || (0.03 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).exp();
        let fits = (0..2000).map(|_| {
            usl(&[1, 2, 4, 8, 16, 32].map(|p| (p, law.throughput(p as f64) * noise()))).unwrap()
        });
        let [a, b] = fits.fold([0.0, 0.0], |[a, b], fit| {
            let errors = [fit.contention - law.contention, fit.coherency - law.coherency];
            [a + errors[0].powi(2) / 2000.0, b + errors[1].powi(2) / 2000.0]
        });
        assert!(a.sqrt() < 0.0085 && b.sqrt() < 0.00026, "{} {}", a.sqrt(), b.sqrt());
    }

    #[test]
    fn the_peak_is_where_throughput_is_highest() {
        let law = Usl { unit: 1.0, contention: 0.05, coherency: 0.001 };
        let highest = (1..=200)
            .map(f64::from)
            .max_by(|&a, &b| law.throughput(a).total_cmp(&law.throughput(b)));
        assert!((law.peak().unwrap() - highest.unwrap()).abs() <= 1.0);
        assert_eq!(Usl { coherency: 0.0, ..law }.peak(), None);
        assert_eq!(Usl { contention: 1.5, ..law }.peak(), Some(1.0));
    }
}
