//! The vector instructions that products use.

use std::fmt;
use std::sync::LazyLock;

/// The vector instructions that products use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The instructions that every processor of the target architecture has.
    Portable,
    /// AVX2 and FMA: four doubles in a register.
    Avx2,
    /// AVX-512 F and DQ: eight doubles in a register.
    Avx512,
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

    /// The level that is used if the caller names none: the highest that the processor has, unless the environment
    /// variable `FIB_NTT` names a lower one. The variable is read once. A value that is no level is ignored, with a
    /// warning.
    pub fn in_use() -> Self {
        static IN_USE: LazyLock<Level> = LazyLock::new(|| {
            let highest = Level::highest();
            let Some(wanted) = std::env::var_os("FIB_NTT") else { return highest };
            match Level::ALL.into_iter().find(|level| wanted == level.name()) {
                Some(level) => level.min(highest),
                None => {
                    let names = Level::ALL.map(Level::name).join(", ");
                    log::warn!("FIB_NTT: '{}' is not one of {names}", wanted.display());
                    highest
                }
            }
        });
        *IN_USE
    }

    /// The highest level that this processor has.
    pub fn highest() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let has_512 =
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq");
            if has_avx2 {
                return if has_512 { Level::Avx512 } else { Level::Avx2 };
            }
        }
        Level::Portable
    }

    /// The name of the level, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
