//! Whether a calibration that comes from a file can be believed.

use crate::calibration::Calibration;
use fib::SEQUENTIAL;
use fib::kernels::KERNELS;
use fib_simulate::{Factors, KernelFactors, Overheads};

/// Ten seconds: no overhead is nearly as long.
const MOST_NS: f64 = 1e10;

impl Calibration {
    /// Whether every number is one that a measurement on this many CPUs can give. The numbers in a file
    /// may be wrong.
    pub(crate) fn is_sound(&self, cores: usize) -> bool {
        let is_time = |ns: &f64| ns.abs() <= MOST_NS;
        let overheads = |o: &Overheads| {
            let times = [o.start_ns, o.step_ns, o.hand_ns, o.byte_ns, o.join_ns, o.join_step_ns];
            times.iter().all(is_time)
        };
        let factors = |factors: &Factors| factors.0.iter().all(|(_, f)| (0.1..=10.0).contains(f));
        let kernels = |k: &KernelFactors| factors(&k.fresh) && factors(&k.following);
        self.cores == cores
            && self.backends.contains_key(SEQUENTIAL.name)
            && self.backends.values().all(overheads)
            && KERNELS.iter().all(|entry| self.kernels.contains_key(entry.name))
            && self.kernels.values().all(kernels)
            && self.losses_ns.values().all(is_time)
            && (1.0..=100.0).contains(&self.inflation)
    }
}
