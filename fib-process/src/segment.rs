//! Shared memory between the pool and a worker. This is the only module with `unsafe`: another
//! process maps the same pages, and safe Rust cannot express that.
//!
//! The pool creates a segment of fixed size, maps it, and sends its descriptor to one worker. Three
//! rules make this sound:
//!
//! - **The pages stay.** A segment is an unnamed memory file. Its pages are allocated beforehand
//!   (`fallocate`), and the file is sealed against shrinking, so no access lies beyond its end. The
//!   worker refuses to map a file that is not sealed against shrinking.
//! - **One side at a time.** The worker writes between a request and the reply to it. The pool
//!   reads between that reply and the next request. The system calls that carry the request and the
//!   reply order these accesses.
//! - **No reference to memory that the other side may write.** The pool never has a reference into
//!   a segment: it copies results out through a raw pointer, and never writes. The worker's `&mut`
//!   ends before the worker replies.
//!
//! The pool trusts its workers to run this code. A worker that wrote after its reply would spoil a
//! result while the pool copies it, and a worker that punched holes into the file could make the
//! copying fail.
//!
//! Shared memory works on Linux only. On other systems no segment can be created, and results go
//! through pipes.
#![allow(unsafe_code)]

use fib_core::MemoryLimit;
use std::io;
use std::os::fd::OwnedFd;

/// A segment as the pool sees it: the pool can only copy results out.
#[derive(Debug)]
pub(crate) struct PoolSegment(Mapping);

/// A segment as the worker sees it: the worker writes to it while a request is under way.
#[derive(Debug)]
pub(crate) struct WorkerSegment(Mapping);

impl PoolSegment {
    /// Creates a segment of at least this many limbs, all of them zero. Also returns the descriptor
    /// that the worker needs.
    ///
    /// # Errors
    /// If the system refuses the memory, the descriptor or the mapping.
    pub(crate) fn create(limbs: usize) -> io::Result<(Self, OwnedFd)> {
        let bytes = limbs.checked_mul(8).and_then(usize::checked_next_power_of_two);
        let bytes = bytes.ok_or(io::ErrorKind::OutOfMemory)?;
        // The system allocates all pages at once. When memory runs out, it does not refuse the call
        // but kills processes.
        let fits = MemoryLimit::HalfOfAvailable.check(bytes as u128);
        fits.map_err(|_| io::ErrorKind::OutOfMemory)?;
        let (mapping, file) = system::create(bytes)?;
        Ok((PoolSegment(mapping), file))
    }

    /// The size of the segment in limbs.
    pub(crate) fn limbs(&self) -> usize {
        self.0.len() / 8
    }

    /// The size of the segment in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Copies as many limbs as `out` holds, from the start of the segment.
    ///
    /// # Panics
    /// If `out` is longer than the segment.
    pub(crate) fn copy_to(&self, out: &mut [u64]) {
        assert!(out.len() <= self.limbs());
        // SAFETY: the mapping is page-aligned, readable and at least this long for as long as
        // `self` lives, and its pages stay (see above). No other process has the memory of `out`.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.as_ptr().cast(), out.as_mut_ptr(), out.len())
        }
    }
}

impl WorkerSegment {
    /// Maps a segment that the pool created.
    ///
    /// # Errors
    /// If the file is not sealed against shrinking, if it is smaller than `bytes`, or if the system
    /// refuses the mapping.
    pub(crate) fn attach(file: OwnedFd, bytes: usize) -> io::Result<Self> {
        system::attach(file, bytes).map(WorkerSegment)
    }

    /// The first `limbs` limbs of the segment. The worker writes them before it sends its reply.
    ///
    /// # Panics
    /// If the segment has fewer limbs.
    pub(crate) fn slots(&mut self, limbs: usize) -> &mut [u64] {
        assert!(limbs <= self.0.len() / 8);
        // SAFETY: the mapping is page-aligned, writable and at least this long for as long as
        // `self` is borrowed, and its pages stay. The pool has no reference into the segment and
        // does not read before the reply. Any eight bytes are a valid `u64`.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), limbs) }
    }
}

#[cfg(target_os = "linux")]
use memmap2::MmapRaw as Mapping;

#[cfg(target_os = "linux")]
mod system {
    use super::Mapping;
    use memmap2::MmapOptions;
    use rustix::fs::{
        FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat,
        memfd_create,
    };
    use rustix::process::{Resource, getrlimit};
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};

    const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

    pub(super) fn create(bytes: usize) -> io::Result<(Mapping, OwnedFd)> {
        // Beyond this limit `fallocate` would not fail: SIGXFSZ would kill this process.
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < bytes as u64) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("fib-process", flags)?;
        fallocate(&file, FallocateFlags::empty(), 0, bytes as u64)?;
        fcntl_add_seals(&file, SEALS)?;
        Ok((map(&file, bytes)?, file))
    }

    pub(super) fn attach(file: OwnedFd, bytes: usize) -> io::Result<Mapping> {
        let sealed = fcntl_get_seals(&file)?.contains(SealFlags::SHRINK);
        let long_enough = u64::try_from(fstat(&file)?.st_size).is_ok_and(|len| len >= bytes as u64);
        if !sealed || !long_enough {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        map(&file, bytes)
    }

    /// Maps the file with all its pages present, so that no request pays for page faults.
    fn map(file: &OwnedFd, bytes: usize) -> io::Result<Mapping> {
        MmapOptions::new().len(bytes).populate().map_raw(file.as_raw_fd())
    }
}

#[cfg(not(target_os = "linux"))]
use never::Never as Mapping;

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Mapping;
    use std::io;
    use std::os::fd::OwnedFd;

    pub(super) fn create(_bytes: usize) -> io::Result<(Mapping, OwnedFd)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn attach(_file: OwnedFd, _bytes: usize) -> io::Result<Mapping> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(not(target_os = "linux"))]
mod never {
    /// The mapping of a system without shared segments: no value of this type exists.
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
    fn the_pool_copies_the_limbs_that_the_worker_wrote() {
        let (pool, file) = PoolSegment::create(5000).unwrap();
        let mut worker = WorkerSegment::attach(file, pool.bytes()).unwrap();
        let limbs: Vec<u64> = (1..=5000).map(|i| u64::MAX / i).collect();
        worker.slots(5000).copy_from_slice(&limbs);
        let mut out = vec![0; 5000];
        pool.copy_to(&mut out);
        assert_eq!(out, limbs);
        drop(worker); // the pages of the pool do not depend on the worker
        pool.copy_to(&mut out);
        assert_eq!(out, limbs);
    }

    #[test]
    fn pages_cannot_be_taken_away() {
        let (pool, file) = PoolSegment::create(1 << 16).unwrap();
        assert!(ftruncate(&file, 0).is_err());
        assert!(ftruncate(&file, 1 << 30).is_err());
        let unsealed = memfd_create("unsealed", MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&unsealed, 1 << 19).unwrap();
        assert!(WorkerSegment::attach(unsealed, 1 << 19).is_err());
        assert!(WorkerSegment::attach(file.try_clone().unwrap(), pool.bytes() + 1).is_err());
        assert!(WorkerSegment::attach(file, pool.bytes()).is_ok());
    }

    #[test]
    #[should_panic(expected = "out.len() <= self.limbs()")]
    fn copying_beyond_the_end_is_caught() {
        let (pool, _file) = PoolSegment::create(512).unwrap();
        pool.copy_to(&mut vec![0; pool.limbs() + 1]);
    }

    #[test]
    #[should_panic(expected = "limbs <= self.0.len() / 8")]
    fn writing_beyond_the_end_is_caught() {
        let (pool, file) = PoolSegment::create(512).unwrap();
        let mut worker = WorkerSegment::attach(file, pool.bytes()).unwrap();
        worker.slots(pool.limbs() + 1);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert!(PoolSegment::create(usize::MAX / 4).is_err());
        assert!(PoolSegment::create(1 << 44).is_err());
    }
}
