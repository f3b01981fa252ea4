//! Timelines: workers as rows, chunks as bars, all runs on one time axis.

use super::palette::Paint;
use super::scale::{Scale, time_label};
use super::svg::{Area, Drawn, SMALL, Svg, line, rectangle, write, write_bold};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

/// One run of a backend.
pub(crate) struct TimelineRun {
    pub(crate) name: String,
    pub(crate) wall_ns: f64,
    /// The workers that are drawn.
    pub(crate) workers: Vec<WorkerRow>,
}

/// What one worker did: starts and ends in nanoseconds, in the order of time.
#[derive(Default)]
pub(crate) struct WorkerRow {
    pub(crate) chunks: Vec<(f64, f64)>,
    pub(crate) pauses: Vec<(f64, f64)>,
}

const WIDTH: i32 = 760;
const LEFT: i32 = 84;
const RIGHT: i32 = WIDTH - 30;
const LEGEND: i32 = 26;
const HEADING: i32 = 20;
const ROW: i32 = 15;
const GAP: i32 = 8;

/// A bar that is narrower than this joins the bar before it, so that a chart of many chunks stays small.
const NARROWEST: i32 = 4;

/// Draws the runs one below the other.
pub(crate) fn timelines(title: &str, summary: &str, runs: &[TimelineRun]) -> Svg {
    let height = |run: &TimelineRun| HEADING + ROW * run.workers.len() as i32 + GAP;
    let bottom = LEGEND + runs.iter().map(height).sum::<i32>();
    let scale = Scale::linear(runs.iter().map(|run| run.wall_ns).chain([0.0]), time_label);
    let x = |ns: f64| LEFT + (f64::from(RIGHT - LEFT) * scale.share(ns)).round() as i32;
    Svg::draw(title, summary, (WIDTH as u32, (bottom + 22) as u32), |area| {
        for (tick, label) in scale.ticks() {
            line(area, &[(x(*tick), LEGEND), (x(*tick), bottom)], Paint::Grid, 1)?;
            write(area, label, (x(*tick), bottom + 10), Paint::Soft, SMALL, HPos::Center)?;
        }
        legend(area, runs)?;
        let mut top = LEGEND;
        runs.iter().try_for_each(|run| {
            draw(area, run, top, &x)?;
            top += height(run);
            Ok(())
        })
    })
}

fn legend(area: &Area<'_>, runs: &[TimelineRun]) -> Drawn {
    let waits = runs.iter().flat_map(|run| &run.workers).any(|row| !row.pauses.is_empty());
    let names = [("a chunk", Paint::Useful), ("waiting for a lock", Paint::Lock)];
    let shown = names.into_iter().filter(|(_, paint)| waits || *paint != Paint::Lock);
    shown.zip((LEFT..).step_by(90)).try_for_each(|((name, paint), left)| {
        rectangle(area, [(left, 4), (left + 14, 15)], paint.token().filled())?;
        write(area, name, (left + 19, 10), Paint::Text, SMALL, HPos::Left)
    })
}

fn draw(area: &Area<'_>, run: &TimelineRun, top: i32, x: &impl Fn(f64) -> i32) -> Drawn {
    write_bold(area, &run.name, (LEFT, top + 10))?;
    for (number, row) in (1..).zip(&run.workers) {
        let top = top + HEADING + ROW * (number - 1);
        let name = format!("worker {number}");
        write(area, &name, (LEFT - 6, top + 6), Paint::Soft, SMALL, HPos::Right)?;
        for (paint, spans) in [(Paint::Useful, &row.chunks), (Paint::Lock, &row.pauses)] {
            for (left, right) in joined(spans, x) {
                // A gap of one pixel separates the chunks.
                let right = if paint == Paint::Useful { right - 1 } else { right };
                let corners = [(left, top), (right.max(left + 1), top + ROW - 3)];
                rectangle(area, corners, paint.token().filled())?;
            }
        }
    }
    let (top, bottom) = (top + HEADING - 2, top + HEADING + ROW * run.workers.len() as i32);
    line(area, &[(x(run.wall_ns), top), (x(run.wall_ns), bottom)], Paint::Text, 1)
}

/// The spans as pixels. Narrow spans that touch each other are one.
fn joined(spans: &[(f64, f64)], x: &impl Fn(f64) -> i32) -> Vec<(i32, i32)> {
    let mut pixels: Vec<(i32, i32)> = vec![];
    for (start, end) in spans.iter().map(|(start, end)| (x(*start), x(*end))) {
        match pixels.last_mut() {
            Some((left, right))
                if start <= *right + 1 && (end - start).min(*right - *left) < NARROWEST =>
            {
                *right = end.max(*right);
            }
            _ => pixels.push((start, end)),
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn narrow_spans_that_touch_are_one_and_wide_spans_stay_apart() {
        let x = |ns: f64| ns as i32;
        assert_eq!(joined(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)], &x), [(0, 3)]);
        assert_eq!(joined(&[(0.0, 20.0), (20.0, 50.0)], &x), [(0, 20), (20, 50)]);
        assert_eq!(joined(&[(0.0, 2.0), (9.0, 11.0)], &x), [(0, 2), (9, 11)]);
    }
}
