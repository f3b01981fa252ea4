//! The vector instructions of this processor, by level.

use std::fmt;
use std::sync::LazyLock;

/// Vector instructions that the program can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// The instructions that every processor of the target architecture has.
    Portable,
    /// AVX2: four lanes of 64 bits.
    Avx2,
    /// AVX-512 F, BW and DQ: eight lanes of 64 bits.
    Avx512,
    /// AVX-512 with IFMA, which multiplies 52 bits by 52 bits, and VBMI, which moves bytes. Both came together.
    Avx512Ifma,
}

impl SimdLevel {
    /// Every level, the lowest first.
    pub const ALL: [SimdLevel; 4] =
        [SimdLevel::Portable, SimdLevel::Avx2, SimdLevel::Avx512, SimdLevel::Avx512Ifma];

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
                    let names = SimdLevel::ALL.map(SimdLevel::name).join(", ");
                    log::warn!("FIB_SIMD: '{}' is not one of {names}", wanted.display());
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
            let has_avx2 = is_x86_feature_detected!("avx2");
            let has_512 = has_avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq");
            let has_ifma =
                is_x86_feature_detected!("avx512ifma") && is_x86_feature_detected!("avx512vbmi");
            if has_512 {
                return if has_ifma { SimdLevel::Avx512Ifma } else { SimdLevel::Avx512 };
            }
            if has_avx2 {
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
            SimdLevel::Avx512Ifma => "avx512ifma",
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
