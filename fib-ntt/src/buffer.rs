//! Memory for residues: aligned to cache lines, and on large pages where the system has them.

use crate::error::ProductError;
use crate::lanes::Block;
#[cfg(all(target_os = "linux", not(miri)))]
use memmap2::{Advice, MmapMut};

/// From this size on, memory is mapped, in bytes. A large page of most processors is twice as long.
#[cfg(all(target_os = "linux", not(miri)))]
const MAPPED_BYTES: usize = 1 << 20;

/// Blocks whose addresses are multiples of 64 bytes. A vector of AVX-512 that crosses the border of a cache line
/// takes twice as long to load.
#[derive(Debug)]
pub(crate) struct Buffer {
    memory: Memory,
    blocks: usize,
}

#[derive(Debug)]
enum Memory {
    /// With a block more than is used, so that the rest can be aligned.
    Heap(Vec<u64>),
    #[cfg(all(target_os = "linux", not(miri)))]
    Mapped(MmapMut),
}

impl Default for Buffer {
    fn default() -> Self {
        Buffer { memory: Memory::Heap(vec![]), blocks: 0 }
    }
}

impl Buffer {
    /// Zeros.
    ///
    /// # Errors
    /// [`ProductError::Memory`] if the system refuses the memory.
    pub(crate) fn new(blocks: usize) -> Result<Self, ProductError> {
        let bytes = Buffer::bytes(blocks);
        #[cfg(all(target_os = "linux", not(miri)))]
        if bytes >= MAPPED_BYTES {
            let mapped = MmapMut::map_anon(bytes).map_err(|_| ProductError::Memory { bytes })?;
            // Without large pages the program is slower, and nothing else.
            let _ = mapped.advise(Advice::HugePage);
            return Ok(Buffer { memory: Memory::Mapped(mapped), blocks });
        }
        let mut limbs = Vec::new();
        limbs.try_reserve_exact(bytes / 8).map_err(|_| ProductError::Memory { bytes })?;
        limbs.resize(bytes / 8, 0);
        Ok(Buffer { memory: Memory::Heap(limbs), blocks })
    }

    /// The memory of a buffer.
    pub(crate) fn bytes(blocks: usize) -> usize {
        size_of::<Block>().saturating_mul(blocks.saturating_add(1))
    }

    /// Replaces a buffer that is too short. What it held is lost then.
    pub(crate) fn reserve(&mut self, blocks: usize) -> Result<(), ProductError> {
        if self.blocks < blocks {
            *self = Buffer::default(); // before the new memory is taken
            *self = Buffer::new(blocks)?;
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        let limbs: &[u64] = match &self.memory {
            Memory::Heap(limbs) => &limbs[padding(limbs)..],
            #[cfg(all(target_os = "linux", not(miri)))]
            Memory::Mapped(mapped) => bytemuck::cast_slice(mapped),
        };
        &limbs.as_chunks().0[..self.blocks]
    }

    pub(crate) fn blocks_mut(&mut self) -> &mut [Block] {
        let limbs: &mut [u64] = match &mut self.memory {
            Memory::Heap(limbs) => {
                let padding = padding(limbs);
                &mut limbs[padding..]
            }
            #[cfg(all(target_os = "linux", not(miri)))]
            Memory::Mapped(mapped) => bytemuck::cast_slice_mut(mapped),
        };
        &mut limbs.as_chunks_mut().0[..self.blocks]
    }
}

/// How many limbs come before the first one at a multiple of 64 bytes.
fn padding(limbs: &[u64]) -> usize {
    limbs.as_ptr().align_offset(size_of::<Block>()).min(limbs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_zeros() {
        for blocks in [0, 1, 7, 1000, 40_000] {
            let mut buffer = Buffer::new(blocks).unwrap();
            assert_eq!(buffer.blocks_mut().len(), blocks);
            assert_eq!(buffer.blocks(), vec![[0; 8]; blocks]);
            if blocks > 0 {
                assert_eq!(buffer.blocks().as_ptr().addr() % 64, 0);
            }
        }
    }

    #[test]
    fn memory_that_does_not_exist_is_refused() {
        let blocks = 1 << 56;
        let refused = Buffer::new(blocks).unwrap_err();
        assert_eq!(refused, ProductError::Memory { bytes: Buffer::bytes(blocks) });
    }
}
