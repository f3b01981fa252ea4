//! How many points a transform has: powers of two, and sums of a few of them.
//!
//! A product with m columns is computed modulo a polynomial of at least m points. If only powers of two were
//! allowed, a product that is a little longer than a power of two would cost twice as much. But x^k - 1 is node 0
//! of a tree of polynomials ([`transform`](crate::transform)), and the nodes beside it have k/2, k/4 or k/8 points.
//! The product modulo x^k - 1 and modulo a few of these nodes is the product modulo all of them together.

/// The fewest points of a part: the transform of 64 points is one piece of code.
pub(crate) const LEAST: usize = 64;

/// A node, as a part of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The points of the parts before.
    pub(crate) offset: usize,
    /// A power of two that divides the offset.
    pub(crate) len: usize,
}

impl Part {
    /// The number of the node: nodes of this length are numbered from 0, and cover `len` points each.
    pub(crate) fn node(self) -> usize {
        self.offset / self.len
    }
}

/// The parts of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    parts: [Part; 3],
    count: usize,
}

/// What the parts are, in eighths of the first part.
const EIGHTHS: [&[usize]; 6] = [&[8], &[8, 1], &[8, 2], &[8, 2, 1], &[8, 4], &[8, 4, 2]];

/// A part more takes as much time as so many more points (measured with `fib-ntt/examples/lengths.rs`).
const COST_OF_A_PART: f64 = 0.065;

impl Shape {
    /// The cheapest shape with at least this many points.
    pub(crate) fn for_columns(columns: usize) -> Self {
        let whole = columns.next_power_of_two().max(LEAST);
        let candidates = [whole / 2, whole]
            .into_iter()
            .flat_map(|first| EIGHTHS.iter().filter_map(move |eighths| Shape::new(first, eighths)));
        let fitting = candidates.filter(|shape| shape.points() >= columns);
        let cheapest = fitting.min_by(|a, b| a.cost().total_cmp(&b.cost()));
        cheapest.unwrap_or(Shape { parts: [Part { offset: 0, len: whole }; 3], count: 1 })
    }

    fn new(first: usize, eighths: &[usize]) -> Option<Self> {
        let mut shape = Shape { parts: [Part { offset: 0, len: 0 }; 3], count: eighths.len() };
        let mut offset = 0;
        for (part, count) in shape.parts.iter_mut().zip(eighths) {
            let len = first / 8 * count;
            *part = Part { offset, len };
            offset += len;
            if len < LEAST {
                return None;
            }
        }
        Some(shape)
    }

    fn cost(&self) -> f64 {
        self.points() as f64 * (1.0 + COST_OF_A_PART * (self.count - 1) as f64)
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts[..self.count]
    }

    pub(crate) fn points(&self) -> usize {
        self.parts().iter().map(|part| part.len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_long_enough_and_not_much_longer() {
        for columns in (1..5000).chain((1..200).map(|i| i * 5_368_709)).chain([1 << 30]) {
            let points = Shape::for_columns(columns).points();
            assert!(points >= columns, "{columns}");
            assert!(points <= LEAST.max(columns + columns / 3 + LEAST), "{columns}: {points}");
            assert!(points <= 1 << 30, "{columns}: {points}");
        }
    }

    #[test]
    fn parts_are_nodes() {
        for columns in 1..20_000 {
            for part in Shape::for_columns(columns).parts() {
                assert!(part.len.is_power_of_two() && part.len >= LEAST, "{columns}");
                assert!(part.offset.is_multiple_of(part.len), "{columns}");
            }
        }
    }
}
