//! How much memory the results may take. This is checked before any work, so that a batch that is
//! too large ends in an error and never in an abort.

use crate::scarcity::address_space_left;
use std::cell::Cell;
use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System};

/// The most bytes that the results and their table may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Half of the memory that is available on this machine, or in the control group of this
    /// process.
    #[default]
    HalfOfAvailable,
    /// This many bytes.
    Bytes(u64),
}

/// For up to this many bytes the system is not asked how much is available, because asking would
/// take longer than the work.
const ALWAYS_ALLOWED: u128 = 16 << 20;

impl MemoryLimit {
    /// The same limit as a number of bytes. Asks the system once, for many checks in a row.
    pub fn fixed(self) -> Self {
        match self {
            MemoryLimit::HalfOfAvailable => MemoryLimit::Bytes(available() / 2),
            MemoryLimit::Bytes(_) => self,
        }
    }

    /// The same limit for a batch that uses `held` bytes of this process again, which are not available
    /// to anybody else.
    pub(crate) fn with_held(self, held: u128) -> Self {
        match self {
            MemoryLimit::HalfOfAvailable if held > ALWAYS_ALLOWED => {
                let held = u64::try_from(held).unwrap_or(u64::MAX);
                MemoryLimit::Bytes((available() / 2).saturating_add(held))
            }
            _ => self,
        }
    }

    /// Like [`fixed`](Self::fixed), but asks the system only if a check of `bytes` would ask it.
    pub(crate) fn fixed_for(self, bytes: u128) -> Self {
        if bytes > ALWAYS_ALLOWED { self.fixed() } else { self }
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

/// The bytes that are available now: without swapping, within the control group, and within the limit
/// of address space. If the system does not say, there is no limit.
fn available() -> u64 {
    memory_left().min(address_space_left().unwrap_or(u64::MAX))
}

fn memory_left() -> u64 {
    let Ok(mut system) = System::new() else { return u64::MAX };
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = match system.available_memory() {
        0 => u64::MAX, // there is no /proc, or it is empty
        bytes => bytes,
    };
    let group = sysinfo::get_current_pid().ok().and_then(|pid| {
        let this_process = ProcessesToUpdate::Some(&[pid]);
        system.refresh_processes_specifics(this_process, false, ProcessRefreshKind::nothing());
        system.process(pid)?.cgroup_limits()
    });
    // Resident memory, not usage: the kernel frees the group's page cache when a program needs
    // memory.
    group.map_or(machine, |group| machine.min(group.total_memory.saturating_sub(group.rss)))
}

thread_local! {
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread only asks for memory, and can handle a refusal. Then a global allocator that ends
/// the program when the system refuses memory must return null instead.
pub fn is_asking_for_memory() -> bool {
    IS_ASKING.get()
}

/// Whether the allocator would grant this many limbs. Asking first turns an abort into an error.
/// The arena itself is then allocated zeroed, and the system clears its pages where the workers
/// run.
pub(crate) fn can_allocate(limbs: usize) -> bool {
    IS_ASKING.set(true);
    let is_granted = Vec::<u64>::new().try_reserve_exact(limbs).is_ok();
    IS_ASKING.set(false);
    is_granted
}
