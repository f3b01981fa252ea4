//! Pseudo-random numbers that any language can repeat from their formula.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter and a mixer.
#[derive(Clone, Debug)]
pub struct SplitMix64(
    /// The state; at first, the seed.
    pub u64,
);

impl SplitMix64 {
    /// The next number; every number of 64 bits is equally likely.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; the bias is below 2^-32 for the small limits used here.
    pub fn number_below(&mut self, limit: usize) -> usize {
        (self.next_number() % limit as u64) as usize
    }

    /// Shuffles `items`; every order is equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.number_below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 0, as the reference implementation prints them.
    #[test]
    fn agrees_with_the_reference() {
        let mut rng = SplitMix64(0);
        let first = [(); 3].map(|()| rng.next_number());
        assert_eq!(first, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }
}
