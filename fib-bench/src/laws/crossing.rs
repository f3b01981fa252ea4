//! Where a curve that was measured at some points crosses a line.

use crate::stats::Estimate;

/// A value that was looked for between measured points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bracket {
    /// It is here; the interval covers what the intervals of the points allow, open where they do
    /// not end among the points.
    At {
        /// Where the medians cross.
        value: f64,
        /// Not below this.
        low: Option<f64>,
        /// Not above this.
        high: Option<f64>,
    },
    /// The smallest point is beyond the line already.
    Below(f64),
    /// The largest point is not yet beyond the line.
    Above(f64),
    /// There are no points.
    Nothing,
}

/// METG(x): the smallest mean granularity at which the efficiency is at least x (Task Bench,
/// Slaughter et al., SC20), from points of granularity and efficiency, smallest first. Between
/// points the curve is a line.
pub fn metg(points: &[(f64, Estimate)], efficiency: f64) -> Bracket {
    crossing(points, efficiency)
}

/// The smallest size at which the speedup is at least 1, from points of size and speedup, smallest
/// first. Between points the curve is a line.
pub fn break_even(points: &[(f64, Estimate)]) -> Bracket {
    crossing(points, 1.0)
}

fn crossing(points: &[(f64, Estimate)], line: f64) -> Bracket {
    let (Some((smallest, _)), Some((largest, _))) = (points.first(), points.last()) else {
        return Bracket::Nothing;
    };
    let curve = |height: fn(&Estimate) -> Option<f64>| {
        let points = points.iter().map(|(x, y)| Some((*x, height(y)?)));
        points.collect::<Option<Vec<_>>>().and_then(|points| first_above(&points, line))
    };
    match curve(|estimate| Some(estimate.median)) {
        None => Bracket::Above(*largest),
        Some(value) if value <= *smallest => Bracket::Below(*smallest),
        // The curve of the upper bounds crosses first, that of the lower ones last.
        Some(value) => Bracket::At {
            value,
            low: curve(|estimate| Some(estimate.interval?.1)).filter(|low| low > smallest),
            high: curve(|estimate| Some(estimate.interval?.0)),
        },
    }
}

/// Where the curve comes up through the line for the last time: from there on it stays above.
fn first_above(points: &[(f64, f64)], line: f64) -> Option<f64> {
    let above = points.iter().rev().take_while(|(_, y)| *y >= line).count();
    let first = points.len() - above;
    let &(x, y) = points.get(first)?;
    let Some(&(x0, y0)) = first.checked_sub(1).and_then(|before| points.get(before)) else {
        return Some(x);
    };
    Some(x0 + (x - x0) * (line - y0) / (y - y0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(x: f64, median: f64, reach: f64) -> (f64, Estimate) {
        (x, Estimate { median, interval: Some((median - reach, median + reach)) })
    }

    #[test]
    fn a_crossing_is_interpolated_and_so_are_its_bounds() {
        let points = [point(1.0, 0.2, 0.1), point(2.0, 0.4, 0.1), point(4.0, 0.8, 0.1)];
        let Bracket::At { value, low, high } = metg(&points, 0.5) else { panic!("no crossing") };
        assert!((value - 2.5).abs() < 1e-9);
        assert!((low.unwrap() - 2.0).abs() < 1e-9 && (high.unwrap() - 3.0).abs() < 1e-9);
        assert_eq!(metg(&points, 0.1), Bracket::Below(1.0));
        assert_eq!(metg(&points, 0.9), Bracket::Above(4.0));
        assert_eq!(metg(&[], 0.5), Bracket::Nothing);
    }

    #[test]
    fn where_no_interval_ends_among_the_points_it_is_open() {
        let points = [point(1.0, 0.9, 0.2), point(2.0, 1.05, 0.2)];
        let Bracket::At { low, high, .. } = break_even(&points) else { panic!("no crossing") };
        assert_eq!((low, high), (None, None));
    }

    #[test]
    fn a_dip_counts_as_not_yet() {
        let points = [point(1.0, 1.1, 0.0), point(2.0, 0.9, 0.0), point(3.0, 1.1, 0.0)];
        let Bracket::At { value, .. } = break_even(&points) else { panic!("no crossing") };
        assert!((value - 2.5).abs() < 1e-9);
    }

    proptest! {
        /// E(g) = g / (g + overhead) is x at g = overhead x / (1 - x).
        #[test]
        fn the_metg_of_a_constant_overhead_is_recovered(overhead in 0.5..50.0, x in 0.3..0.95) {
            let grid = (0..400).map(|i| 0.01 * 1.03f64.powi(i));
            let points: Vec<_> = grid.map(|g| point(g, g / (g + overhead), 0.0)).collect();
            let Bracket::At { value, .. } = metg(&points, x) else { panic!("no crossing") };
            let exact: f64 = overhead * x / (1.0 - x);
            prop_assert!((value / exact - 1.0).abs() < 0.01, "{value} {exact}");
        }
    }
}
