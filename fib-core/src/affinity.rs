//! Binding a thread to one CPU. This works on Linux; other systems return `Unsupported`.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Binds the calling thread to one of the CPUs that it may use. `worker` chooses the CPU; after the
/// last CPU the choice starts again at the first one.
///
/// # Errors
/// The error of the system, or `Unsupported` where threads cannot be bound.
#[cfg(target_os = "linux")]
pub fn pin(worker: usize) -> std::io::Result<()> {
    pin_among(sched_getaffinity(None)?, worker)
}

/// Binds the calling thread to one of these CPUs.
#[cfg(target_os = "linux")]
fn pin_among(allowed: CpuSet, worker: usize) -> std::io::Result<()> {
    let position = worker % allowed.count().max(1) as usize;
    let mut chosen = CpuSet::new();
    if let Some(cpu) = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).nth(position) {
        chosen.set(cpu);
    }
    Ok(sched_setaffinity(None, &chosen)?)
}

/// Binds nothing, because this system offers no portable way.
///
/// # Errors
/// Always `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn pin(_worker: usize) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Calls [`pin`] if `wanted`, and logs a warning if the thread cannot be bound.
pub fn pin_if(wanted: bool, worker: usize) {
    if wanted && let Err(error) = pin(worker) {
        log::warn!("worker {worker} is not bound to a CPU: {error}");
    }
}

/// Binds the calling thread like [`pin`] until the guard is dropped, which restores the CPUs that the
/// thread could use before. `None` if the thread cannot be bound.
#[cfg(target_os = "linux")]
pub fn pin_for_now(worker: usize) -> Option<PinGuard> {
    let before = sched_getaffinity(None).ok()?;
    pin_among(before, worker).is_ok().then_some(PinGuard(before))
}

/// Binds nothing, because this system offers no portable way.
#[cfg(not(target_os = "linux"))]
pub fn pin_for_now(_worker: usize) -> Option<PinGuard> {
    None
}

/// Restores the CPUs of the thread that [`pin_for_now`] has bound.
#[must_use = "the thread is bound for as long as this lives"]
#[derive(Debug)]
pub struct PinGuard(#[cfg(target_os = "linux")] CpuSet);

#[cfg(target_os = "linux")]
impl Drop for PinGuard {
    fn drop(&mut self) {
        // If a CPU has been taken away meanwhile, the thread stays bound to the CPU that it has.
        let _ = sched_setaffinity(None, &self.0);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_thread_that_is_bound_for_now_is_free_again() {
        let cpus = || rustix::thread::sched_getaffinity(None).unwrap();
        let before = cpus();
        let guard = super::pin_for_now(0).unwrap();
        assert_eq!(cpus().count(), 1);
        drop(guard);
        assert_eq!(cpus(), before);
    }

    #[test]
    fn a_pinned_thread_has_one_cpu() {
        std::thread::scope(|s| {
            for worker in [0, 1, 1000] {
                s.spawn(move || {
                    super::pin(worker).unwrap();
                    let cpus = rustix::thread::sched_getaffinity(None).unwrap().count();
                    assert_eq!(cpus, 1);
                });
            }
        });
    }
}
