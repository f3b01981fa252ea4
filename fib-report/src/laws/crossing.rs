//! Where a curve that was measured at some points crosses a line.

use crate::stats::Estimate;
use serde::Serialize;

/// Where a curve crosses a line, according to the points that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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
/// granularity and efficiency, smallest granularity first; the curve between two points is a line.
pub fn metg(points: &[(f64, Estimate)], efficiency: f64) -> Crossing {
    crossing(points, efficiency)
}

/// The smallest size at which the speedup is at least 1. The points are pairs of size and speedup,
/// smallest size first; the curve between two points is a line.
pub fn break_even(points: &[(f64, Estimate)]) -> Crossing {
    crossing(points, 1.0)
}

fn crossing(points: &[(f64, Estimate)], line: f64) -> Crossing {
    let (Some((smallest, _)), Some((largest, _))) = (points.first(), points.last()) else {
        return Crossing::Unknown;
    };
    let curve = |height: fn(&Estimate) -> Option<f64>| {
        let points = points.iter().map(|(x, y)| Some((*x, height(y)?)));
        points.collect::<Option<Vec<_>>>().and_then(|points| last_upward_crossing(&points, line))
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
fn last_upward_crossing(points: &[(f64, f64)], line: f64) -> Option<f64> {
    let count_above = points.iter().rev().take_while(|(_, y)| *y >= line).count();
    let first = points.len() - count_above;
    let &(x, y) = points.get(first)?;
    let Some(&(x0, y0)) = first.checked_sub(1).and_then(|previous| points.get(previous)) else {
        return Some(x);
    };
    Some(x0 + (x - x0) * (line - y0) / (y - y0))
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
        assert!((value - 2.5).abs() < 1e-9);
        assert!((low.unwrap() - 2.0).abs() < 1e-9 && (high.unwrap() - 3.0).abs() < 1e-9);
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
        assert!((value - 2.5).abs() < 1e-9);
    }

    proptest! {
        /// E(g) = g / (g + overhead) is x at g = overhead x / (1 - x).
        #[test]
        fn the_metg_of_a_constant_overhead_is_recovered(overhead in 0.5..50.0, x in 0.3..0.95) {
            let grid = (0..400).map(|i| 0.01 * 1.03f64.powi(i));
            let points: Vec<_> = grid.map(|g| point(g, g / (g + overhead), 0.0)).collect();
            let Crossing::At { value, .. } = metg(&points, x) else { panic!("no crossing") };
            let exact: f64 = overhead * x / (1.0 - x);
            prop_assert!((value / exact - 1.0).abs() < 0.01, "{value} {exact}");
        }
    }
}
