//! Least squares for laws whose p/S is linear in their coefficients.

/// The coefficients c for which y(p) = c_1 x_1(p) + ... + c_N x_N(p) comes nearest to p/S, where
/// `terms` gives x(p). The error is the sum over `points` of (ln p/S - ln y)^2, because times have
/// errors in proportion to themselves.
///
/// Least squares weighted by (S/p)^2 are a start that is wrong only by squares of the noise. Steps
/// of Gauss and Newton improve it as long as the error falls. There must be at least N different
/// worker counts.
pub(super) fn fit<const N: usize>(
    points: &[(usize, f64)],
    terms: impl Fn(f64) -> [f64; N],
) -> [f64; N] {
    let rows: Vec<([f64; N], f64)> =
        points.iter().map(|&(p, s)| (terms(p as f64), p as f64 / s)).collect();
    let weighted = rows.iter().map(|(x, y)| (x.map(|x| x / y), 1.0));
    let mut best = least_squares(weighted.collect());
    loop {
        let residuals = rows.iter().map(|(x, y)| {
            let fitted = dot(x, &best);
            (x.map(|x| x / fitted), (y / fitted).ln())
        });
        let step = least_squares(residuals.collect());
        let next = std::array::from_fn(|i| best[i] + step[i]);
        // The error is NaN where a fit that is not positive has no logarithm.
        let falls = error(&rows, &next) < error(&rows, &best) * (1.0 - 1e-9);
        if !falls {
            return best;
        }
        best = next;
    }
}

fn error<const N: usize>(rows: &[([f64; N], f64)], coefficients: &[f64; N]) -> f64 {
    rows.iter().map(|(x, y)| (y / dot(x, coefficients)).ln().powi(2)).sum()
}

/// The coefficients c that minimise the sum over all rows (x, y) of (c x - y)^2. Gram-Schmidt makes
/// the columns orthogonal one after another, which is more exact than the normal equations.
fn least_squares<const N: usize>(mut rows: Vec<([f64; N], f64)>) -> [f64; N] {
    let mut triangle = [[0.0; N]; N];
    let mut projected = [0.0; N];
    for j in 0..N {
        let norm: f64 = rows.iter().map(|(x, _)| x[j] * x[j]).sum();
        for k in j + 1..N {
            triangle[j][k] = rows.iter().map(|(x, _)| x[j] * x[k]).sum::<f64>() / norm;
        }
        projected[j] = rows.iter().map(|(x, y)| x[j] * y).sum::<f64>() / norm;
        for (x, y) in &mut rows {
            for k in j + 1..N {
                x[k] -= triangle[j][k] * x[j];
            }
            *y -= projected[j] * x[j];
        }
    }
    for j in (0..N).rev() {
        projected[j] -= (j + 1..N).map(|k| triangle[j][k] * projected[k]).sum::<f64>();
    }
    projected
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = 2 + 3 (p - 1) at p = 1, 2, 4, and a point that is e times too high and one that is e
    /// times too low: their logarithms cancel, their times do not.
    #[test]
    fn errors_are_relative() {
        let y = |p: f64| 2.0 + 3.0 * (p - 1.0);
        let e = std::f64::consts::E;
        let point = |p: usize, factor: f64| (p, p as f64 / (y(p as f64) * factor));
        let points = [point(1, 1.0), point(2, 1.0), point(4, e), point(4, 1.0 / e), point(9, 1.0)];
        let [constant, slope] = fit(&points, |p| [1.0, p - 1.0]);
        assert!((constant - 2.0).abs() < 1e-6 && (slope - 3.0).abs() < 1e-6, "{constant} {slope}");
    }

    #[test]
    fn least_squares_agree_with_a_line_by_hand() {
        // Through (0, 1), (1, 3), (2, 4): slope 1.5, constant 7/6.
        let rows = [(0.0, 1.0), (1.0, 3.0), (2.0, 4.0)].map(|(x, y)| ([1.0, x], y));
        let [constant, slope] = least_squares(rows.to_vec());
        assert!((constant - 7.0 / 6.0).abs() < 1e-12 && (slope - 1.5).abs() < 1e-12);
    }
}
