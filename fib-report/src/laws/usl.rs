//! The Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007).

use super::{Refusal, enough};
use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::storage::Owned;
use nalgebra::{Dyn, Matrix, OVector, U1, U3, Vector3};

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

    /// The worker count with the highest throughput, sqrt((1 - a) / b); `None` if throughput never
    /// falls.
    pub fn peak(&self) -> Option<f64> {
        let squared = (1.0 - self.contention) / self.coherency;
        (self.coherency > 0.0 && squared >= 1.0).then(|| squared.sqrt())
    }

    fn denominator(&self, p: f64) -> f64 {
        1.0 + self.contention * (p - 1.0) + self.coherency * p * (p - 1.0)
    }

    fn from_parameters(parameters: &Vector3<f64>) -> Self {
        let [unit, contention, coherency] = [parameters[0], parameters[1], parameters[2]];
        Usl { unit, contention, coherency }
    }
}

/// Fits the law, by least squares, to `points` of workers and throughput (or speedup).
///
/// # Errors
/// With fewer than 6 different worker counts, or if nothing fits.
pub fn usl(points: &[(usize, f64)]) -> Result<Usl, Refusal> {
    enough(points, 6)?;
    let first = points.iter().map(|&(p, x)| x / p as f64).fold(0.0, f64::max);
    let fit = UslFit { points, parameters: Vector3::new(first, 0.01, 0.0001) };
    let (fit, report) = LevenbergMarquardt::new().minimize(fit);
    let law = Usl::from_parameters(&fit.parameters);
    let finite = [law.unit, law.contention, law.coherency].iter().all(|x| x.is_finite());
    if report.termination.was_successful() && finite { Ok(law) } else { Err(Refusal::NoFit) }
}

struct UslFit<'a> {
    points: &'a [(usize, f64)],
    parameters: Vector3<f64>,
}

impl LeastSquaresProblem<f64, Dyn, U3> for UslFit<'_> {
    type ResidualStorage = Owned<f64, Dyn, U1>;
    type JacobianStorage = Owned<f64, Dyn, U3>;
    type ParameterStorage = Owned<f64, U3, U1>;

    fn set_params(&mut self, parameters: &Vector3<f64>) {
        self.parameters = *parameters;
    }

    fn params(&self) -> Vector3<f64> {
        self.parameters
    }

    fn residuals(&self) -> Option<OVector<f64, Dyn>> {
        let law = Usl::from_parameters(&self.parameters);
        let residual = |&(p, x): &(usize, f64)| law.throughput(p as f64) - x;
        Some(OVector::<f64, Dyn>::from_iterator(
            self.points.len(),
            self.points.iter().map(residual),
        ))
    }

    /// The derivatives of X(p) with respect to g, a and b.
    fn jacobian(&self) -> Option<Matrix<f64, Dyn, U3, Self::JacobianStorage>> {
        let law = Usl::from_parameters(&self.parameters);
        let row = |i: usize| {
            let p = self.points[i].0 as f64;
            let denominator = law.denominator(p);
            let slope = -law.unit * p / (denominator * denominator);
            [p / denominator, slope * (p - 1.0), slope * p * (p - 1.0)]
        };
        let cell = |i: usize, parameter: usize| row(i)[parameter];
        Some(Matrix::<f64, Dyn, U3, _>::from_fn(self.points.len(), cell))
    }
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
            prop_assert!((found.unit / unit - 1.0).abs() < 1e-4, "{found:?}");
            prop_assert!((found.contention - contention).abs() < 1e-4, "{found:?}");
            prop_assert!((found.coherency - coherency).abs() < 1e-5, "{found:?}");
        }
    }

    #[test]
    fn the_peak_is_where_throughput_is_highest() {
        let law = Usl { unit: 1.0, contention: 0.05, coherency: 0.001 };
        let highest = (1..=200)
            .map(f64::from)
            .max_by(|&a, &b| law.throughput(a).total_cmp(&law.throughput(b)));
        assert!((law.peak().unwrap() - highest.unwrap()).abs() <= 1.0);
        assert_eq!(Usl { coherency: 0.0, ..law }.peak(), None);
        assert_eq!(Usl { contention: 1.5, ..law }.peak(), None);
    }
}
