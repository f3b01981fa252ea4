//! The backends that a user can choose: the registry, the backends that a program adds, and `auto`.

use fib::{Descriptor, REGISTRY, SEQUENTIAL};
use fib_predict::AUTO;
use std::sync::OnceLock;

static ADDED: OnceLock<&'static [Descriptor]> = OnceLock::new();

/// Adds the backends of this program. Only the first call counts.
pub(crate) fn add(backends: &'static [Descriptor]) {
    let _ = ADDED.set(backends);
}

/// Every backend that schedules chunks itself.
pub(crate) fn schedulers() -> impl Iterator<Item = &'static Descriptor> {
    REGISTRY.iter().chain(ADDED.get().copied().unwrap_or_default())
}

/// Every backend, `auto` included.
pub(crate) fn all() -> impl Iterator<Item = &'static Descriptor> {
    schedulers().chain([&AUTO])
}

/// The chosen backends, or all schedulers if none is chosen. `sequential` is left out, because it
/// is measured as the baseline.
pub(crate) fn measured(chosen: &[&'static Descriptor]) -> Vec<Descriptor> {
    let mut backends = if chosen.is_empty() { schedulers().collect() } else { chosen.to_vec() };
    backends.retain(|entry| entry.name != SEQUENTIAL.name);
    backends.into_iter().copied().collect()
}
