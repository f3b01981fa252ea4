//! Binding a thread to one CPU. This works on Linux; other systems return `Unsupported`.

/// Binds the calling thread to one of the CPUs that it may use. `worker` chooses the CPU; after the
/// last CPU the choice starts again at the first one.
///
/// # Errors
/// The error of the system, or `Unsupported` where threads cannot be bound.
#[cfg(target_os = "linux")]
pub fn pin(worker: usize) -> std::io::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None)?;
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    let mut chosen = CpuSet::new();
    chosen.set(cpus[worker % cpus.len()]); // a running thread has a CPU that it may use
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
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
