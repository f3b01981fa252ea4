//! From the remainders modulo the parts of a shape to a polynomial: the Chinese remainder theorem.

use crate::lanes::{Block, Lanes, Work};
use crate::prime::Prime;

/// What [`LiftRows`] needs to know.
pub(crate) struct Lift {
    /// The powers of x^len at the node of the part.
    pub(crate) powers: Vec<u64>,
    /// 1 / M at the node of the part.
    pub(crate) inverse: u64,
    /// M without its leading term: the rows of x^len, and their factors.
    pub(crate) terms: Vec<(usize, u64)>,
}

/// Makes a polynomial that is known modulo M known modulo M and a part.
///
/// The coefficients of x^(i len), x^(i len + 1) and so on are row i. The last row is the remainder modulo the part.
pub(crate) struct LiftRows<'a, 'b> {
    pub(crate) prime: &'a Prime,
    pub(crate) lift: &'a Lift,
    pub(crate) rows: &'a mut [&'b mut [Block]],
}

impl Work for LiftRows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (field, lift) = (L::field(self.prime), self.lift);
        let inverse = L::factor(field, lift.inverse);
        let Some((last, rows)) = self.rows.split_last_mut() else { return };
        for (i, last) in last.iter_mut().enumerate() {
            let mut known = L::load(&rows[0][i]).reduce(field);
            for (row, power) in rows.iter().zip(&lift.powers).skip(1) {
                let product = L::load(&row[i]).times(field, L::factor(field, *power));
                known = known.add(product).reduce(field);
            }
            let difference = L::load(last).subtract(field, known).times(field, inverse);
            difference.store(last);
            for &(row, factor) in &lift.terms {
                let product = difference.times(field, L::factor(field, factor));
                let place = &mut rows[row][i];
                L::load(place).reduce(field).add(product).store(place);
            }
        }
    }
}

/// [`LiftRows`] with two terms, where each row is one block, for the proof of the bounds.
#[cfg(test)]
pub(crate) struct LiftBounds<'a> {
    pub(crate) constant: u64,
    pub(crate) blocks: &'a mut [Block],
}

#[cfg(test)]
impl Work for LiftBounds<'_> {
    type Output = ();

    fn run<L: Lanes>(self) {
        let rows = self.blocks.len() - 1;
        let lift = Lift {
            powers: vec![self.constant; rows],
            inverse: self.constant,
            terms: vec![(0, self.constant), (1, self.constant)],
        };
        let mut rows: Vec<_> = self.blocks.chunks_mut(1).collect();
        LiftRows { prime: &crate::prime::PRIMES[0], lift: &lift, rows: &mut rows }.run::<L>();
    }
}
