//! The vector instructions of this processor. The same code is compiled for each level, and the level is
//! chosen when the program runs.
//!
//! # Unsafe code
//!
//! A function that is compiled for AVX2 or AVX-512 may be called only on a processor that has these
//! instructions. The compiler cannot know this, so the calls are in `unsafe` blocks, each after a check.
#![allow(unsafe_code)]

use super::chain::Start;
use super::ring::Ring;
use std::fmt;
use std::sync::LazyLock;

/// Vector instructions that the kernel `lanes` can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// The instructions that every processor of the target architecture has.
    Portable,
    /// AVX2: four lanes of 64 bits.
    Avx2,
    /// AVX-512 F and DQ: eight lanes of 64 bits.
    Avx512,
}

impl SimdLevel {
    /// Every level, the lowest first.
    pub const ALL: [SimdLevel; 3] = [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512];

    /// The level that kernels use: the highest that the processor has, unless the environment variable
    /// `FIB_SIMD` names a lower one. The variable is read once. A value that is no level is ignored, with a
    /// warning.
    pub fn in_use() -> Self {
        static IN_USE: LazyLock<SimdLevel> = LazyLock::new(|| {
            let highest = SimdLevel::highest();
            let Some(wanted) = std::env::var_os("FIB_SIMD") else { return highest };
            match SimdLevel::ALL.into_iter().find(|level| wanted == level.name()) {
                Some(level) => level.min(highest),
                None => {
                    let wanted = wanted.display();
                    log::warn!("FIB_SIMD: '{wanted}' is not one of portable, avx2, avx512");
                    highest
                }
            }
        });
        *IN_USE
    }

    /// The highest level that this processor has.
    pub fn highest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let has_512 =
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
            if has_512 {
                return SimdLevel::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return SimdLevel::Avx2;
            }
        }
        SimdLevel::Portable
    }

    /// The name of the level, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Writes F(n) modulo m for each of `indices`, with the instructions of `level` if the processor has them.
pub(super) fn fill<R: Ring>(level: SimdLevel, start: &Start<R>, indices: &[u64], out: &mut [u64]) {
    match level.min(SimdLevel::highest()) {
        SimdLevel::Portable => fill_lanes(start, indices, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX2.
        SimdLevel::Avx2 => unsafe { fill_avx2(start, indices, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX-512 F and DQ.
        SimdLevel::Avx512 => unsafe { fill_avx512(start, indices, out) },
        #[cfg(not(target_arch = "x86_64"))]
        SimdLevel::Avx2 | SimdLevel::Avx512 => fill_lanes(start, indices, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn fill_avx2<R: Ring>(start: &Start<R>, indices: &[u64], out: &mut [u64]) {
    fill_lanes(start, indices, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512dq")]
fn fill_avx512<R: Ring>(start: &Start<R>, indices: &[u64], out: &mut [u64]) {
    fill_lanes(start, indices, out);
}

/// The number of chains that are computed side by side. They fill two vectors of AVX-512, so that the
/// processor computes one vector while the other waits.
const CHAINS: usize = 16;

#[inline(always)]
fn fill_lanes<R: Ring>(start: &Start<R>, indices: &[u64], out: &mut [u64]) {
    let (groups, rest) = indices.as_chunks::<CHAINS>();
    let (out_groups, out_rest) = out.as_chunks_mut::<CHAINS>();
    for (out, indices) in out_groups.iter_mut().zip(groups) {
        *out = start.side_by_side(indices);
    }
    for (out, &n) in out_rest.iter_mut().zip(rest) {
        *out = start.one(n);
    }
}
