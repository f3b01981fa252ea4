//! Transforms of polynomials: their remainders modulo many small polynomials.
//!
//! A polynomial in y, whose coefficients are blocks, is known modulo y^m - r^2 if it is known modulo y^(m/2) - r
//! and modulo y^(m/2) + r. With r for the root of a node ([`Roots`]), these two are the polynomials of its
//! children. So from y^m - 1 the splitting goes on with all polynomials of a level, until they are linear:
//! Gauss's fast Fourier transform, modulo a prime, with the results in the order of the nodes. Two levels are
//! computed in one pass over the memory.

use super::columns::Block;
use super::field::{Factor, Field, Roots};
use bytemuck::cast;
use std::arch::x86_64::*;

/// As many blocks fit the first cache. Longer polynomials are split into four, one after another.
const CACHED_BLOCKS: usize = 256;

/// Replaces a polynomial, known modulo the polynomial of `node`, by its remainders. There are 2^k blocks.
/// Residues are below 4p before and after.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn transform(field: Field, roots: &Roots<'_>, blocks: &mut [Block], node: usize) {
    if blocks.len() > CACHED_BLOCKS {
        split_4(field, roots, blocks, node);
        for (i, part) in blocks.chunks_exact_mut(blocks.len() / 4).enumerate() {
            transform(field, roots, part, 4 * node + i);
        }
        return;
    }
    let (mut len, mut first) = (blocks.len(), node);
    while len >= 4 {
        for (i, part) in blocks.chunks_exact_mut(len).enumerate() {
            split_4(field, roots, part, first + i);
        }
        (len, first) = (len / 4, 4 * first);
    }
    if len == 2 {
        for (i, pair) in blocks.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let [low, high] = split(field, pair.map(cast), roots.root(first + i));
            *pair = [cast(low), cast(high)];
        }
    }
}

/// The reverse of [`transform`], multiplied by the number of blocks. Residues are below 2p before and after.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn restore(field: Field, roots: &Roots<'_>, blocks: &mut [Block], node: usize) {
    if blocks.len() > CACHED_BLOCKS {
        for (i, part) in blocks.chunks_exact_mut(blocks.len() / 4).enumerate() {
            restore(field, roots, part, 4 * node + i);
        }
        join_4(field, roots, blocks, node);
        return;
    }
    let mut len = 1;
    if blocks.len().ilog2() % 2 == 1 {
        len = 2;
        let first = node * (blocks.len() / len);
        for (i, pair) in blocks.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let factor = roots.negated_inverse(first + i);
            let [low, high] = join(field, pair.map(cast), factor);
            *pair = [cast(low), cast(high)];
        }
    }
    while len < blocks.len() {
        len *= 4;
        let first = node * (blocks.len() / len);
        for (i, part) in blocks.chunks_exact_mut(len).enumerate() {
            join_4(field, roots, part, first + i);
        }
    }
}

/// `low + y^(m/2) high` modulo both children of a node, whose root is the factor.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn split(field: Field, [low, high]: [__m512i; 2], factor: Factor) -> [__m512i; 2] {
    let (low, high) = (field.reduce(low), field.multiply(high, factor));
    [field.add(low, high), field.subtract(low, high)]
}

/// Twice the reverse of [`split`], where the factor is minus one divided by the root. Residues are below 2p before
/// and after.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn join(field: Field, [x, y]: [__m512i; 2], factor: Factor) -> [__m512i; 2] {
    [field.reduce(field.add(x, y)), field.multiply(field.subtract(y, x), factor)]
}

/// Splits a polynomial at a node and at both of its children.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn split_4(field: Field, roots: &Roots<'_>, blocks: &mut [Block], node: usize) {
    let factors = [node, 2 * node, 2 * node + 1].map(|node| roots.root(node));
    for places in quarters(blocks) {
        let [a, b, c, d] = places.each_ref().map(|place| cast(**place));
        let [a, c] = split(field, [a, c], factors[0]);
        let [b, d] = split(field, [b, d], factors[0]);
        let [a, b] = split(field, [a, b], factors[1]);
        let [c, d] = split(field, [c, d], factors[2]);
        store(places, [a, b, c, d]);
    }
}

/// Four times the reverse of [`split_4`].
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn join_4(field: Field, roots: &Roots<'_>, blocks: &mut [Block], node: usize) {
    let factors = [node, 2 * node, 2 * node + 1].map(|node| roots.negated_inverse(node));
    for places in quarters(blocks) {
        let [a, b, c, d] = places.each_ref().map(|place| cast(**place));
        let [a, b] = join(field, [a, b], factors[1]);
        let [c, d] = join(field, [c, d], factors[2]);
        let [a, c] = join(field, [a, c], factors[0]);
        let [b, d] = join(field, [b, d], factors[0]);
        store(places, [a, b, c, d]);
    }
}

/// The blocks that have the same place in the quarters of a polynomial.
#[inline(always)]
fn quarters(blocks: &mut [Block]) -> impl Iterator<Item = [&mut Block; 4]> {
    let quarter = blocks.len() / 4;
    let (low, high) = blocks.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (low.split_at_mut(quarter), high.split_at_mut(quarter));
    a.iter_mut().zip(b).zip(c.iter_mut().zip(d)).map(|((a, b), (c, d))| [a, b, c, d])
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(places: [&mut Block; 4], blocks: [__m512i; 4]) {
    for (place, block) in places.into_iter().zip(blocks) {
        *place = cast(block);
    }
}
