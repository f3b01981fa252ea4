//! Stacked bars of shares, one bar for each name.

use super::palette::Paint;
use super::svg::{Drawn, SMALL, Svg, line, rectangle, stripes, write};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

/// A bar.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
}

/// A part of a bar.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) paint: Paint,
    /// The share of the whole bar, from 0 to 1.
    pub(crate) share: f64,
}

const WIDTH: i32 = 760;
const LEFT: i32 = 150;
const RIGHT: i32 = WIDTH - 20;
const TOP: i32 = 40;
const ROW: i32 = 28;

/// Draws the bars, with a legend above them and an axis from 0 to 100 % below them.
pub(crate) fn bars(title: &str, summary: &str, bars: &[Bar]) -> Svg {
    let bottom = TOP + ROW * bars.len() as i32;
    let x = |share: f64| LEFT + (f64::from(RIGHT - LEFT) * share.clamp(0.0, 1.0)).round() as i32;
    Svg::draw(title, summary, (WIDTH as u32, (bottom + 26) as u32), |area| {
        for (percent, share) in [(0, 0.0), (25, 0.25), (50, 0.5), (75, 0.75), (100, 1.0)] {
            line(area, &[(x(share), TOP - 6), (x(share), bottom)], Paint::Grid, 1)?;
            let at = (x(share), bottom + 12);
            write(area, &format!("{percent}%"), at, Paint::Soft, SMALL, HPos::Center)?;
        }
        legend(bars, |part, left| {
            swatch(area, part, [(left, 8), (left + 14, 22)])?;
            write(area, part.name, (left + 19, 15), Paint::Text, SMALL, HPos::Left)
        })?;
        for (bar, top) in bars.iter().zip((TOP..).step_by(ROW as usize)) {
            let middle = top + ROW / 2 - 2;
            write(area, &bar.name, (LEFT - 8, middle), Paint::Text, SMALL, HPos::Right)?;
            let mut start = 0.0;
            for part in bar.parts.iter().filter(|part| part.share > 0.0) {
                let (left, right) = (x(start), x(start + part.share));
                start += part.share;
                // A gap of one pixel separates the parts.
                if right - left < 2 {
                    continue;
                }
                swatch(area, part, [(left, top), (right - 1, top + ROW - 6)])?;
                let percent = format!("{:.0}%", part.share * 100.0);
                let text = match right - left {
                    width if width >= 70 => format!("{} {percent}", part.name),
                    width if width >= 28 => percent,
                    _ => continue,
                };
                let center = (left.midpoint(right), middle);
                write(area, &text, center, Paint::Text, SMALL, HPos::Center)?;
            }
        }
        Ok(())
    })
}

fn swatch(area: &super::svg::Area<'_>, part: &Part, corners: [(i32, i32); 2]) -> Drawn {
    rectangle(area, corners, part.paint.token().filled())?;
    if part.paint == Paint::Unused { stripes(area, corners) } else { Ok(()) }
}

/// The names of all parts, in a line.
fn legend(bars: &[Bar], mut draw: impl FnMut(&Part, i32) -> Drawn) -> Drawn {
    let Some(first) = bars.first() else { return Ok(()) };
    let mut left = LEFT;
    first.parts.iter().try_for_each(|part| {
        draw(part, left)?;
        left += 34 + part.name.chars().count() as i32 * 6;
        Ok(())
    })
}
