//! Distributions: how the rounds of each cell spread, and how its runs do.

use super::palette::Paint;
use super::scale::{Scale, short};
use super::svg::{Area, Drawn, SMALL, Svg, dot, line, polygon, write};
use fib_report::Estimate;
use plotters::style::text_anchor::HPos;

/// The speedups of one cell.
pub(crate) struct SpreadRow {
    pub(crate) name: String,
    pub(crate) rounds: Vec<f64>,
    /// The median of each run.
    pub(crate) runs: Vec<f64>,
    pub(crate) speedup: Estimate,
}

const WIDTH: i32 = 760;
const LEFT: i32 = 170;
const RIGHT: i32 = WIDTH - 20;
const TOP: i32 = 8;
const ROW: i32 = 42;

/// Above the line of each row: the rounds. Below it: the medians of the runs. On it: the median and the
/// interval.
pub(crate) fn spread(title: &str, summary: &str, rows: &[SpreadRow]) -> Svg {
    let bottom = TOP + ROW * rows.len() as i32;
    let ends = rows.iter().flat_map(|row| {
        let (low, high) = row.speedup.interval.unwrap_or((row.speedup.median, row.speedup.median));
        inner(&row.rounds).into_iter().flat_map(|(a, b)| [a, b]).chain([low, high])
    });
    let scale = Scale::log(ends.chain([1.0]), short);
    let x = |value: f64| LEFT + (f64::from(RIGHT - LEFT) * scale.share(value)).round() as i32;
    Svg::draw(title, summary, (WIDTH as u32, (bottom + 38) as u32), |area| {
        for (tick, label) in scale.ticks() {
            line(area, &[(x(*tick), TOP), (x(*tick), bottom)], Paint::Grid, 1)?;
            write(area, label, (x(*tick), bottom + 10), Paint::Soft, SMALL, HPos::Center)?;
        }
        line(area, &[(x(1.0), TOP), (x(1.0), bottom)], Paint::Soft, 1)?;
        let at = (LEFT.midpoint(RIGHT), bottom + 27);
        write(area, "speedup over the baseline", at, Paint::Soft, SMALL, HPos::Center)?;
        rows.iter().zip((TOP..).step_by(ROW as usize)).try_for_each(|(row, top)| {
            let middle = top + 26;
            write(area, &row.name, (LEFT - 10, middle), Paint::Text, SMALL, HPos::Right)?;
            hill(area, &row.rounds, 24, &x, (middle - 2, -20.0), Paint::Faster3)?;
            hill(area, &row.runs, 12, &x, (middle + 2, 12.0), Paint::Tail)?;
            if let Some((low, high)) = row.speedup.interval {
                line(area, &[(x(low), middle), (x(high), middle)], Paint::Measured, 3)?;
            }
            dot(area, (x(row.speedup.median), middle), 4, Paint::Measured)
        })
    })
}

/// The ends of the values, without the outermost percent on each side.
fn inner(values: &[f64]) -> Option<(f64, f64)> {
    let quantile = |share| fib_report::quantile(values, share);
    Some((quantile(0.01)?, quantile(0.99)?)).filter(|(low, high)| *low > 0.0 && high.is_finite())
}

/// The outline of a histogram of the logarithms.
fn hill(
    area: &Area<'_>,
    values: &[f64],
    bins: usize,
    x: &impl Fn(f64) -> i32,
    (foot, height): (i32, f64),
    paint: Paint,
) -> Drawn {
    let Some((low, high)) = inner(values).filter(|(low, high)| high > low && values.len() > 2)
    else {
        return Ok(());
    };
    let width = (high / low).ln() / bins as f64;
    // An empty bin at each end closes the outline.
    let mut counts = vec![0.0; bins + 2];
    for value in values.iter().filter(|value| (low..=high).contains(*value)) {
        counts[1 + (((value / low).ln() / width) as usize).min(bins - 1)] += 1.0;
    }
    let smooth: Vec<f64> = (0..counts.len())
        .map(|i| {
            let at = |i: usize| counts.get(i).copied().unwrap_or(0.0);
            (at(i.wrapping_sub(1)) + 2.0 * at(i) + at(i + 1)) / 4.0
        })
        .collect();
    let most = smooth.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let place = |i: usize| x(low * ((i as f64 - 0.5) * width).exp());
    let outline = smooth.iter().enumerate();
    let outline =
        outline.map(|(i, count)| (place(i), foot + (height * count / most).round() as i32));
    let points: Vec<_> =
        [(place(0), foot)].into_iter().chain(outline).chain([(place(bins + 1), foot)]).collect();
    polygon(area, &points, paint)
}
