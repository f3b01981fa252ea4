//! Where a curve that was measured at some points crosses a line.
//!
//! Between two points the curve follows a constant overhead, which both kinds of curve know. Points
//! may therefore lie far apart: a power of two between sizes costs no accuracy.

use crate::stats::Estimate;
use schemars::JsonSchema;
use serde::Serialize;

/// Where a curve crosses a line, according to the points that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Crossing {
    /// The curve crosses between the points.
    At {
        /// Where the medians cross.
        value: f64,
        /// The lower bound that the intervals of the points give; `None` if they give none.
        low: Option<f64>,
        /// The upper bound that the intervals of the points give; `None` if they give none.
        high: Option<f64>,
    },
    /// The curve crosses below this smallest point, which is above the line already.
    Below(f64),
    /// The curve does not cross up to this largest point, which is still below the line.
    Above(f64),
    /// There are no points.
    Unknown,
}

/// METG(x), the minimum effective task granularity: the smallest mean granularity at which the
/// efficiency is at least x (Task Bench, Slaughter et al., SC20). The points are pairs of
/// granularity and efficiency, smallest granularity first.
///
/// The granularity g is wall time x workers / tasks, so a constant overhead o for each task is part
/// of it: E = (g - o) / g = 1 - o/g. Between two points, E is therefore a line over 1/g.
pub fn metg(points: &[(f64, Estimate)], efficiency: f64) -> Crossing {
    crossing(points, efficiency, |efficiency| efficiency)
}

/// The smallest size at which the speedup is at least 1. The points are pairs of size and speedup,
/// smallest size first.
///
/// The size k counts work, without overhead. A constant overhead of c baseline times of one unit
/// gives 1/S = 1/p + c/k. Between two points, 1/S is therefore a line over 1/k.
pub fn break_even(points: &[(f64, Estimate)]) -> Crossing {
    crossing(points, 1.0, f64::recip)
}

/// Where the curve crosses the line. Between two points, `height` of the curve is a line over 1/x.
fn crossing(points: &[(f64, Estimate)], line: f64, height: fn(f64) -> f64) -> Crossing {
    let (Some((smallest, _)), Some((largest, _))) = (points.first(), points.last()) else {
        return Crossing::Unknown;
    };
    let curve = |end: fn(&Estimate) -> Option<f64>| {
        let points = points.iter().map(|(x, y)| Some((*x, end(y)?)));
        let points = points.collect::<Option<Vec<_>>>()?;
        last_upward_crossing(&points, line, height)
    };
    match curve(|estimate| Some(estimate.median)) {
        None => Crossing::Above(*largest),
        Some(value) if value <= *smallest => Crossing::Below(*smallest),
        // The curve of the upper bounds crosses first, and the curve of the lower bounds last.
        Some(value) => Crossing::At {
            value,
            low: curve(|estimate| Some(estimate.interval?.1)).filter(|low| low > smallest),
            high: curve(|estimate| Some(estimate.interval?.0)),
        },
    }
}

/// Where the curve rises through the line for the last time. From there on it stays above the line.
fn last_upward_crossing(points: &[(f64, f64)], line: f64, height: fn(f64) -> f64) -> Option<f64> {
    let count_above = points.iter().rev().take_while(|(_, y)| *y >= line).count();
    let first = points.len() - count_above;
    let &(x, y) = points.get(first)?;
    let Some(&(x0, y0)) = first.checked_sub(1).and_then(|previous| points.get(previous)) else {
        return Some(x);
    };
    let part = (height(line) - height(y0)) / (height(y) - height(y0));
    Some((x0.recip() + (x.recip() - x0.recip()) * part).recip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(x: f64, median: f64, half_width: f64) -> (f64, Estimate) {
        (x, Estimate { median, interval: Some((median - half_width, median + half_width)) })
    }

    #[test]
    fn a_crossing_is_interpolated_and_so_are_its_bounds() {
        let points = [point(1.0, 0.2, 0.1), point(2.0, 0.4, 0.1), point(4.0, 0.8, 0.1)];
        let Crossing::At { value, low, high } = metg(&points, 0.5) else { panic!("no crossing") };
        // E is a line over 1/g: a quarter of the way from 1/2 to 1/4, and half of it for the end.
        assert!((value - 16.0 / 7.0).abs() < 1e-9);
        assert!((low.unwrap() - 2.0).abs() < 1e-9 && (high.unwrap() - 8.0 / 3.0).abs() < 1e-9);
        assert_eq!(metg(&points, 0.1), Crossing::Below(1.0));
        assert_eq!(metg(&points, 0.9), Crossing::Above(4.0));
        assert_eq!(metg(&[], 0.5), Crossing::Unknown);
    }

    #[test]
    fn bounds_beyond_the_points_are_unknown() {
        let points = [point(1.0, 0.9, 0.2), point(2.0, 1.05, 0.2)];
        let Crossing::At { low, high, .. } = break_even(&points) else { panic!("no crossing") };
        assert_eq!((low, high), (None, None));
    }

    #[test]
    fn a_crossing_before_a_dip_does_not_count() {
        let points = [point(1.0, 1.1, 0.0), point(2.0, 0.9, 0.0), point(3.0, 1.1, 0.0)];
        let Crossing::At { value, .. } = break_even(&points) else { panic!("no crossing") };
        assert!((2.0..3.0).contains(&value), "{value}");
    }

    /// Sizes that grow by a factor of eight. Between such points a line over the size is wrong by a
    /// factor of up to 2.4.
    fn coarse() -> impl Iterator<Item = f64> {
        (0..9).map(|power| 0.01 * 8f64.powi(power))
    }

    proptest! {
        /// A task that takes w alone and the overhead besides has the granularity g = w + overhead
        /// and the efficiency w / g. It is x at g = overhead / (1 - x).
        #[test]
        fn the_metg_of_a_constant_overhead_is_exact(overhead in 0.5..50.0, x in 0.3..0.95) {
            let points = coarse().map(|w| point(w + overhead, w / (w + overhead), 0.0));
            let Crossing::At { value, .. } = metg(&points.collect::<Vec<_>>(), x) else {
                panic!("no crossing")
            };
            let exact: f64 = overhead / (1.0 - x);
            prop_assert!((value / exact - 1.0).abs() < 1e-9, "{value} {exact}");
        }

        /// A batch that takes k alone takes k / p + overhead on p workers. This is k at
        /// k = overhead p / (p - 1).
        #[test]
        fn the_break_even_of_a_constant_overhead_is_exact(
            overhead in 0.5..50.0, p in 2.0..64.0,
        ) {
            let points = coarse().map(|k| point(k, k / (k / p + overhead), 0.0));
            let Crossing::At { value, .. } = break_even(&points.collect::<Vec<_>>()) else {
                panic!("no crossing")
            };
            let exact: f64 = overhead * p / (p - 1.0);
            prop_assert!((value / exact - 1.0).abs() < 1e-9, "{value} {exact}");
        }
    }
}
