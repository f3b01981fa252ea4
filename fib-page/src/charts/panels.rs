//! Small charts of one kind side by side, all with the same axes: one panel for each backend.

use super::palette::Paint;
use super::scale::Scale;
use super::svg::{Area, Drawn, SMALL, Svg, dot, line, ring, text_style, write, write_bold};
use fib_report::Estimate;
use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::{ChartBuilder, Circle, PathElement, Polygon, SVGBackend};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

/// Panels with common axes.
pub(crate) struct Panels {
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    pub(crate) x_label: &'static str,
    pub(crate) y_label: &'static str,
    /// What the lines and points are.
    pub(crate) legend: Vec<(Paint, &'static str)>,
    pub(crate) panels: Vec<Panel>,
}

/// One chart.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What is drawn, from back to front.
    pub(crate) layers: Vec<Layer>,
}

/// What is drawn in a panel.
#[derive(Clone)]
pub(crate) enum Layer {
    Line(Paint, Vec<(f64, f64)>),
    /// For each x, the low and the high end.
    Band(Paint, Vec<(f64, f64, f64)>),
    /// Points with their intervals.
    Points(Paint, Vec<(f64, Estimate)>),
    /// Open circles, for points of a line that matter.
    Marks(Paint, Vec<(f64, f64)>),
}

/// The most panels of a chart; what is beyond them is in the table.
pub(crate) const MOST_PANELS: usize = 24;

const WIDTH: u32 = 760;
const LEGEND: u32 = 26;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// Draws the panels in one, two or three columns.
pub(crate) fn panels(title: &str, summary: &str, data: &Panels) -> Svg {
    let count = data.panels.len().clamp(1, MOST_PANELS);
    let (columns, height) = match count {
        1 => (1, 320),
        2 | 4 => (2, 240),
        _ => (3, 200),
    };
    let rows = count.div_ceil(columns);
    let size = (WIDTH, LEGEND + (rows * height) as u32);
    Svg::draw(title, summary, size, |area| {
        let (top, charts) = area.split_vertically(LEGEND);
        draw_legend(&top, &data.legend)?;
        let areas = charts.split_evenly((rows, columns));
        data.panels.iter().zip(&areas).try_for_each(|(panel, area)| draw(area, panel, data))
    })
}

/// A short line and a name for each paint.
fn draw_legend(area: &Area<'_>, legend: &[(Paint, &str)]) -> Drawn {
    let mut left = 54;
    legend.iter().try_for_each(|(paint, name)| {
        match paint {
            Paint::Measured => dot(area, (left + 12, 9), 4, *paint)?,
            Paint::Mark => ring(area, (left + 12, 9), 5, *paint)?,
            _ => line(area, &[(left, 9), (left + 24, 9)], *paint, 2)?,
        }
        write(area, name, (left + 30, 9), Paint::Text, SMALL, HPos::Left)?;
        left += 46 + name.chars().count() as i32 * 6;
        Ok(())
    })
}

fn draw(area: &Area<'_>, panel: &Panel, data: &Panels) -> Drawn {
    write_bold(area, &panel.title, (54, 12))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(24)
        .margin_right(14)
        .margin_bottom(4)
        .x_label_area_size(34)
        .y_label_area_size(54)
        .build_cartesian_2d(data.x.clone(), data.y.clone())?;
    let label = text_style(Paint::Soft, SMALL, HPos::Center, VPos::Center);
    chart
        .configure_mesh()
        .bold_line_style(Paint::Grid.token())
        .axis_style(Paint::Soft.token())
        .label_style(label)
        .set_all_tick_mark_size(3)
        .x_desc(data.x_label)
        .y_desc(data.y_label)
        .draw()?;
    panel.layers.iter().try_for_each(|layer| draw_layer(&mut chart, layer))
}

fn draw_layer(chart: &mut Chart<'_, '_>, layer: &Layer) -> Drawn {
    match layer {
        Layer::Line(paint, points) => {
            let style = paint.token().stroke_width(if *paint == Paint::Context { 1 } else { 2 });
            let points: Vec<_> = points.iter().copied().filter(is_finite).collect();
            chart.draw_series([PathElement::new(points, style)])?;
        }
        Layer::Band(paint, points) => {
            let upper = points.iter().map(|&(x, _, high)| (x, high));
            let lower = points.iter().rev().map(|&(x, low, _)| (x, low));
            let edge: Vec<_> = upper.chain(lower).filter(is_finite).collect();
            chart.draw_series([Polygon::new(edge, paint.token().mix(0.2).filled())])?;
        }
        Layer::Points(paint, points) => {
            let style = paint.token().stroke_width(2);
            let bars = points.iter().filter_map(|&(x, estimate)| {
                let (low, high) = estimate.interval?;
                Some(PathElement::new(vec![(x, low), (x, high)], style))
            });
            chart.draw_series(bars)?;
            let dots = points.iter().map(|&(x, estimate)| (x, estimate.median)).filter(is_finite);
            chart.draw_series(dots.map(|at| Circle::new(at, 3, paint.token().filled())))?;
        }
        Layer::Marks(paint, points) => {
            let marks = points.iter().copied().filter(is_finite);
            let style = paint.token().stroke_width(2);
            chart.draw_series(marks.map(|at| Circle::new(at, 5, style)))?;
        }
    }
    Ok(())
}

fn is_finite(&(x, y): &(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}
