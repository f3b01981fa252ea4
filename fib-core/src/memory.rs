//! How much memory the results may take: asked before work, never discovered by an abort.

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};

/// The most bytes that results and their table may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Half of what the machine, or the control group this process lives in, has left.
    #[default]
    HalfOfAvailable,
    /// This many bytes.
    Bytes(u64),
}

/// Below this nobody asks what is available: the asking would take longer than the work.
const ALWAYS_ALLOWED: u128 = 16 << 20;

impl MemoryLimit {
    /// The same limit with what is available asked for now, once: for many checks in a row.
    pub fn fixed(self) -> Self {
        match self {
            MemoryLimit::HalfOfAvailable => MemoryLimit::Bytes(available() / 2),
            MemoryLimit::Bytes(_) => self,
        }
    }

    /// `Err(limit)` if `bytes` are more than the limit.
    pub fn check(self, bytes: u128) -> Result<(), u64> {
        let limit = match self {
            MemoryLimit::Bytes(limit) => limit,
            MemoryLimit::HalfOfAvailable if bytes <= ALWAYS_ALLOWED => return Ok(()),
            MemoryLimit::HalfOfAvailable => available() / 2,
        };
        if bytes > u128::from(limit) { Err(limit) } else { Ok(()) }
    }
}

/// Bytes that can be had now without swapping, control group included; everything where the system
/// does not tell.
fn available() -> u64 {
    let Ok(mut system) = System::new() else { return u64::MAX };
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = system.available_memory();
    let group = sysinfo::get_current_pid().ok().and_then(|pid| {
        let this = ProcessesToUpdate::Some(&[pid]);
        system.refresh_processes_specifics(this, false, ProcessRefreshKind::nothing());
        system.process(pid)?.cgroup_limits()
    });
    // Resident memory, not usage: a group's page cache is given back when memory is asked for.
    group.map_or(machine, |group| machine.min(group.total_memory.saturating_sub(group.rss)))
}

/// Whether the allocator would grant this many limbs. Asking first turns what would be an abort
/// into an error, and leaves the zeroing to the system, page by page, where the workers run.
pub(crate) fn can_allocate(limbs: usize) -> bool {
    Vec::<u64>::new().try_reserve_exact(limbs).is_ok()
}
