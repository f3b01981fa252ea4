//! Shared memory: the only module with `unsafe`, because another process has the same pages.
//!
//! The pool makes a segment of fixed size, maps it, and hands its descriptor to one worker. Three
//! things make that sound:
//!
//! - **The pages stay.** A segment is an unnamed memory file whose pages are allocated beforehand
//!   (`fallocate`) and which is sealed against shrinking, so no access is beyond its end. The worker
//!   maps nothing without these seals.
//! - **One side at a time.** The worker writes between a request and its answer; the pool reads
//!   between that answer and the next request. The system calls that carry them order the two.
//! - **No reference where the other side may write.** The pool has no reference into a segment,
//!   ever: it copies out through a raw pointer. The worker's `&mut` ends before it answers, and the
//!   pool never writes.
//!
//! A worker is trusted to be this code: one that wrote after its answer would spoil a result that
//! is being copied, and one that punched holes into the file could make the copying fail.
//!
//! Linux only. Elsewhere no segment can be made, and results travel through pipes.
#![allow(unsafe_code)]

use fib_core::MemoryLimit;
use std::io;
use std::os::fd::OwnedFd;

/// The pool's view of a segment: it can only be copied from.
#[derive(Debug)]
pub(crate) struct Incoming(Map);

/// The worker's view of a segment: it is written to while a request is under way.
#[derive(Debug)]
pub(crate) struct Outgoing(Map);

impl Incoming {
    /// A new segment of at least this many limbs, all zero, and the descriptor to hand on.
    ///
    /// # Errors
    /// If the system refuses the memory, the descriptor or the mapping.
    pub(crate) fn create(limbs: usize) -> io::Result<(Self, OwnedFd)> {
        let bytes = limbs.checked_mul(8).and_then(usize::checked_next_power_of_two);
        let bytes = bytes.ok_or(io::ErrorKind::OutOfMemory)?;
        // Pages are allocated at once, and asking for too many would end processes, not the call.
        let fits = MemoryLimit::HalfOfAvailable.check(bytes as u128);
        fits.map_err(|_| io::ErrorKind::OutOfMemory)?;
        let (map, file) = system::create(bytes)?;
        Ok((Incoming(map), file))
    }

    /// How many limbs it holds.
    pub(crate) fn limbs(&self) -> usize {
        self.0.len() / 8
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Copies the first limbs out.
    ///
    /// # Panics
    /// If `out` is longer than the segment.
    pub(crate) fn copy_to(&self, out: &mut [u64]) {
        assert!(out.len() <= self.limbs());
        // SAFETY: the mapping is page-aligned, readable and at least this long, for as long as
        // `self` lives; its pages stay (see above). `out` is memory of this process alone.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.as_ptr().cast(), out.as_mut_ptr(), out.len())
        }
    }
}

impl Outgoing {
    /// Maps a segment that the pool made.
    ///
    /// # Errors
    /// If it is not sealed or smaller than `bytes`, or the system refuses the mapping.
    pub(crate) fn attach(file: OwnedFd, bytes: usize) -> io::Result<Self> {
        system::attach(file, bytes).map(Outgoing)
    }

    /// The first limbs, to be written before the answer is sent.
    ///
    /// # Panics
    /// If the segment is shorter.
    pub(crate) fn slots(&mut self, limbs: usize) -> &mut [u64] {
        assert!(limbs <= self.0.len() / 8);
        // SAFETY: the mapping is page-aligned, writable and at least this long, for as long as
        // `self` is borrowed; its pages stay. The pool has no reference to it and does not read
        // before the answer. Any bytes are a valid `u64`.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), limbs) }
    }
}

#[cfg(target_os = "linux")]
use memmap2::MmapRaw as Map;

#[cfg(target_os = "linux")]
mod system {
    use super::Map;
    use memmap2::MmapOptions;
    use rustix::fs::{
        FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat,
        memfd_create,
    };
    use rustix::process::{Resource, getrlimit};
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};

    const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

    pub(super) fn create(bytes: usize) -> io::Result<(Map, OwnedFd)> {
        // Beyond this limit `fallocate` would not fail but kill, by SIGXFSZ.
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < bytes as u64) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("fib-process", flags)?;
        fallocate(&file, FallocateFlags::empty(), 0, bytes as u64)?;
        fcntl_add_seals(&file, SEALS)?;
        Ok((map(&file, bytes)?, file))
    }

    pub(super) fn attach(file: OwnedFd, bytes: usize) -> io::Result<Map> {
        let sealed = fcntl_get_seals(&file)?.contains(SealFlags::SHRINK);
        let long_enough = u64::try_from(fstat(&file)?.st_size).is_ok_and(|len| len >= bytes as u64);
        if !sealed || !long_enough {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        map(&file, bytes)
    }

    /// With all pages present, so that no request pays for page faults.
    fn map(file: &OwnedFd, bytes: usize) -> io::Result<Map> {
        MmapOptions::new().len(bytes).populate().map_raw(file.as_raw_fd())
    }
}

#[cfg(not(target_os = "linux"))]
use never::Never as Map;

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Map;
    use std::io;
    use std::os::fd::OwnedFd;

    pub(super) fn create(_bytes: usize) -> io::Result<(Map, OwnedFd)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn attach(_file: OwnedFd, _bytes: usize) -> io::Result<Map> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(not(target_os = "linux"))]
mod never {
    /// A mapping that does not exist here.
    #[derive(Debug)]
    pub(super) enum Never {}

    impl Never {
        pub(super) fn len(&self) -> usize {
            match *self {}
        }
        pub(super) fn as_ptr(&self) -> *const u8 {
            match *self {}
        }
        pub(super) fn as_mut_ptr(&self) -> *mut u8 {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    #[test]
    fn what_one_side_writes_the_other_copies() {
        let (pool, file) = Incoming::create(5000).unwrap();
        let mut worker = Outgoing::attach(file, pool.bytes()).unwrap();
        let limbs: Vec<u64> = (1..=5000).map(|i| u64::MAX / i).collect();
        worker.slots(5000).copy_from_slice(&limbs);
        let mut out = vec![0; 5000];
        pool.copy_to(&mut out);
        assert_eq!(out, limbs);
        drop(worker); // the pool's pages do not depend on it
        pool.copy_to(&mut out);
        assert_eq!(out, limbs);
    }

    #[test]
    fn pages_cannot_be_taken_away() {
        let (pool, file) = Incoming::create(1 << 16).unwrap();
        assert!(ftruncate(&file, 0).is_err());
        assert!(ftruncate(&file, 1 << 30).is_err());
        let unsealed = memfd_create("unsealed", MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&unsealed, 1 << 19).unwrap();
        assert!(Outgoing::attach(unsealed, 1 << 19).is_err());
        assert!(Outgoing::attach(file.try_clone().unwrap(), pool.bytes() + 1).is_err());
        assert!(Outgoing::attach(file, pool.bytes()).is_ok());
    }

    #[test]
    #[should_panic(expected = "out.len() <= self.limbs()")]
    fn copying_beyond_the_end_is_caught() {
        let (pool, _file) = Incoming::create(512).unwrap();
        pool.copy_to(&mut vec![0; pool.limbs() + 1]);
    }

    #[test]
    #[should_panic(expected = "limbs <= self.0.len() / 8")]
    fn writing_beyond_the_end_is_caught() {
        let (pool, file) = Incoming::create(512).unwrap();
        let mut worker = Outgoing::attach(file, pool.bytes()).unwrap();
        worker.slots(pool.limbs() + 1);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert!(Incoming::create(usize::MAX / 4).is_err());
        assert!(Incoming::create(1 << 44).is_err());
    }
}
