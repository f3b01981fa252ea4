//! In place of `ifma` on other architectures: an [`Ifma`] cannot exist.

pub(super) const LONGEST: usize = 0;

pub(super) fn scratch_limbs(_len: usize) -> usize {
    0
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ifma {}

impl Ifma {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn multiply_binary(self, _: &mut [u64], _: &[u64], _: &[u64], _: &mut [u64]) {
        match self {}
    }

    pub(super) fn square_binary(self, _: &mut [u64], _: &[u64], _: &mut [u64]) {
        match self {}
    }

    pub(super) fn multiply_decimal(self, _: &mut [u64], _: &[u64], _: &[u64], _: &mut [u64]) {
        match self {}
    }

    pub(super) fn square_decimal(self, _: &mut [u64], _: &[u64], _: &mut [u64]) {
        match self {}
    }
}
