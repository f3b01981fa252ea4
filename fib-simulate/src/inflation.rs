//! How many times as long work takes while several workers compute.

use std::num::NonZeroUsize;

/// How many times as long work takes while several workers compute, because they share caches,
/// memory and power, or because they take turns on too few CPUs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inflation {
    /// The CPUs that the workers share. `None` if every worker has a CPU.
    cpus: Option<NonZeroUsize>,
    /// Pairs of a number of workers and a factor. The numbers of workers ascend.
    factors: Vec<(usize, f64)>,
}

impl Inflation {
    /// Work takes as long on many workers as on one worker.
    pub const NONE: Inflation = Inflation { cpus: None, factors: vec![] };

    /// From measured factors: pairs of a number of workers and a factor, in ascending order. A
    /// factor below 1 counts as 1: other workers do not make work faster, so less than 1 is noise.
    /// One worker always has the factor 1.
    pub fn measured(factors: impl IntoIterator<Item = (usize, f64)>) -> Self {
        let several = factors.into_iter().filter(|&(workers, _)| workers > 1);
        let factors = several.map(|(workers, factor)| (workers, factor.max(1.0))).collect();
        Inflation { cpus: None, factors }
    }

    /// The same machine, on which workers share this many CPUs.
    pub fn with_cpus(self, cpus: NonZeroUsize) -> Self {
        Inflation { cpus: Some(cpus), ..self }
    }

    /// The factor while this many workers compute at the same time. Between two measured numbers of
    /// workers it is a straight line, and beyond the last one it keeps its last value. If there are
    /// more workers than CPUs, each worker gets its share of a CPU.
    pub fn factor(&self, computing_workers: usize) -> f64 {
        let workers = computing_workers.max(1);
        let busy_cpus = self.cpus.map_or(workers, |cpus| cpus.get().min(workers));
        let workers_per_cpu = workers as f64 / busy_cpus as f64;
        self.between_measured(busy_cpus) * workers_per_cpu
    }

    fn between_measured(&self, workers: usize) -> f64 {
        let next = self.factors.partition_point(|&(other, _)| other < workers);
        let (last_workers, last) = next.checked_sub(1).map_or((1, 1.0), |i| self.factors[i]);
        match self.factors.get(next) {
            Some(&(next_workers, factor)) if workers > last_workers => {
                let part = (workers - last_workers) as f64 / (next_workers - last_workers) as f64;
                last + (factor - last) * part
            }
            _ => last,
        }
    }

    /// The least share of the sequential time that a run takes if this many workers compute.
    pub fn least_share(&self, computing_workers: usize) -> f64 {
        self.factor(computing_workers) / computing_workers.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_lie_on_lines_between_what_was_measured() {
        // The factor of one worker is 1 by definition, whatever was measured.
        let inflation = Inflation::measured([(1, 1.02), (2, 1.1), (6, 1.5)]);
        let factors = [0, 1, 2, 4, 6, 1000].map(|workers| inflation.factor(workers));
        assert!(
            factors.iter().zip([1.0, 1.0, 1.1, 1.3, 1.5, 1.5]).all(|(f, e)| (f - e).abs() < 1e-12)
        );
        let from_one = Inflation::measured([(5, 3.0)]);
        assert_eq!([1, 2, 3, 5].map(|workers| from_one.factor(workers)), [1.0, 1.5, 2.0, 3.0]);
        assert_eq!(Inflation::NONE.factor(7), 1.0);
    }

    #[test]
    fn other_workers_do_not_make_work_faster() {
        assert_eq!(Inflation::measured([(2, 0.97)]).factor(2), 1.0);
    }

    #[test]
    fn workers_without_a_cpu_of_their_own_take_turns() {
        let two = Inflation::measured([(2, 1.2)]).with_cpus(NonZeroUsize::new(2).unwrap());
        assert_eq!([1, 2, 4].map(|workers| two.factor(workers)), [1.0, 1.2, 2.4]);
        assert_eq!([1, 2, 4].map(|workers| two.least_share(workers)), [1.0, 0.6, 0.6]);
    }
}
