//! Efficiency against the size of tasks, and the smallest batches that are worth it.

use crate::charts::{Layer, Paint, Panel, Panels, Scale, panels, scale};
use crate::figure::{Figure, Item};
use fib_report::report::findings;
use fib_report::{
    Analysis, BREAK_EVEN_BATCH, BREAK_EVEN_ITEM, BreakEven, Cell, Crossing, Estimate, Findings,
    Granularity, Matrix, Row,
};
use std::cmp::Reverse;

const GRANULARITY_TRAP: &str = "The horizontal axis is logarithmic: a step to the right is ten times the work. A pool that is \
                                efficient here had nothing else to do, and every task took equally long.";

const BREAK_EVEN_TRAP: &str = "Both axes are logarithmic. A pool that exists already was warm: the first batch of a new pool \
                               needs a larger batch to be worth it.";

pub(super) fn items(_record: usize, analysis: &Analysis) -> Vec<Item> {
    let figures = match &analysis.findings {
        Findings::Granularity(found) => vec![granularity(analysis, found)],
        Findings::BreakEven(found) => vec![
            break_even(analysis, "break-even-items", found),
            break_even(analysis, "break-even-index", found),
        ],
        _ => vec![],
    };
    figures.into_iter().map(|figure| Item::Figure(Box::new(figure))).collect()
}

/// A curve of a backend over sizes.
struct Curve {
    label: String,
    points: Vec<(f64, Estimate)>,
}

impl Curve {
    fn line(&self) -> Vec<(f64, f64)> {
        self.points.iter().map(|(x, y)| (*x, y.median)).collect()
    }
}

/// The curves with the most workers that fit the machine.
fn curves(
    matrix: &Matrix,
    rows: &[&Row],
    point: impl Fn(&Row, &Cell) -> Option<(f64, Estimate)>,
) -> Vec<Curve> {
    let workers = matrix.header.workers.iter().filter(|count| **count <= matrix.header.cores);
    let Some(workers) = workers.max() else { return vec![] };
    let curve = |label: &String| {
        let cells = rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (*row, cell)));
        let own = cells.filter(|(_, cell)| cell.backend == *label && cell.workers == *workers);
        let mut points: Vec<_> = own.filter_map(|(row, cell)| point(row, cell)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve { label: label.clone(), points }
    };
    matrix.header.backends.iter().map(|head| curve(&head.label)).collect()
}

/// A panel for each curve, with the other curves behind it.
fn panel(curves: &[Curve], own: usize, lines: &[Layer], marks: Vec<(f64, f64)>) -> Panel {
    let others = curves.iter().enumerate().filter(|(i, _)| *i != own);
    let mut layers: Vec<Layer> =
        others.map(|(_, curve)| Layer::Line(Paint::Context, curve.line())).collect();
    layers.extend_from_slice(lines);
    layers.push(Layer::Line(Paint::Measured, curves[own].line()));
    layers.push(Layer::Points(Paint::Measured, curves[own].points.clone()));
    layers.push(Layer::Marks(Paint::Mark, marks));
    Panel { title: curves[own].label.clone(), layers }
}

fn legend(mark: &'static str) -> Vec<(Paint, &'static str)> {
    vec![(Paint::Measured, "measured"), (Paint::Context, "the other backends"), (Paint::Mark, mark)]
}

fn value(crossing: &Crossing) -> Option<f64> {
    match crossing {
        Crossing::At { value, .. } => Some(*value),
        _ => None,
    }
}

/// The entry with the most workers of a backend.
fn of_backend<'a, T>(
    found: &'a [T],
    key: impl Fn(&T) -> (&str, usize),
    label: &str,
) -> Option<&'a T> {
    found.iter().filter(|entry| key(entry).0 == label).min_by_key(|entry| Reverse(key(entry).1))
}

fn granularity(analysis: &Analysis, found: &[Granularity]) -> Figure {
    let matrix = &analysis.matrix;
    let rows: Vec<&Row> = matrix.rows.iter().collect();
    let curves = curves(matrix, &rows, |row, cell| {
        let workers = cell.workers as f64;
        let size = cell.wall_ns? * workers / row.scenario.items.max(1) as f64;
        Some((size, cell.speedup?.scaled(1.0 / workers)))
    });
    let marks = |label: &str| -> Vec<(f64, f64)> {
        let own = of_backend(found, |entry| (&entry.backend, entry.workers), label);
        let metg = own.into_iter().flat_map(|own| &own.metg);
        metg.filter_map(|metg| Some((value(&metg.granularity_ns)?, metg.efficiency))).collect()
    };
    let xs = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0));
    let x = Scale::log(xs, scale::time_label);
    let ys = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1.median));
    let y = Scale::linear(ys.chain([0.0, 1.0]), scale::share_label);
    let each = (0..curves.len()).map(|i| panel(&curves, i, &[], marks(&curves[i].label)));
    let data = Panels {
        x,
        y,
        x_label: "size of a task",
        y_label: "efficiency",
        legend: legend("METG"),
        panels: each.collect(),
    };
    let title = "Efficiency against the size of tasks".to_owned();
    Figure {
        name: "granularity".into(),
        svg: panels(&title, "For each backend, the efficiency of its workers at each size of tasks.", &data),
        instead: None,
        title,
        caption: "Efficiency is speedup over workers. Each panel shows one backend in blue and the others in grey. The \
                  orange circles are its METG: the smallest tasks at which its workers are 50, 75 and 90% efficient."
            .into(),
        trap: GRANULARITY_TRAP,
        table: findings(analysis),
    }
}

fn break_even(analysis: &Analysis, name: &str, found: &[BreakEven]) -> Figure {
    let matrix = &analysis.matrix;
    let is_items = name.ends_with("items");
    let prefix = if is_items { BREAK_EVEN_BATCH } else { BREAK_EVEN_ITEM };
    let rows: Vec<&Row> =
        matrix.rows.iter().filter(|row| row.scenario.name.starts_with(prefix)).collect();
    let size = |row: &Row| match is_items {
        true => Some(row.scenario.items as f64),
        false => row.scenario.index.map(|index| index as f64),
    };
    let curves = curves(matrix, &rows, |row, cell| Some((size(row)?, cell.speedup?)));
    let points = curves.iter().flat_map(|curve| &curve.points);
    let xs: Vec<f64> = points.map(|point| point.0).collect();
    let ys = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1.median));
    let y = Scale::log(ys.chain([1.0]), scale::short);
    let ends = xs.iter().copied().reduce(f64::min).zip(xs.iter().copied().reduce(f64::max));
    let (low, high) = ends.unwrap_or((1.0, 10.0));
    let line = [Layer::Line(Paint::Ideal, vec![(low, 1.0), (high, 1.0)])];
    let each = (0..curves.len()).map(|i| {
        let own = of_backend(found, |entry| (&entry.backend, entry.workers), &curves[i].label);
        let crossing = own.map(|own| if is_items { &own.items } else { &own.index });
        let mark = crossing.and_then(value).map(|size| (size, 1.0));
        panel(&curves, i, &line, mark.into_iter().collect())
    });
    let x_label = if is_items { "items of F(1000)" } else { "index of 16 items" };
    let panels_of = each.collect();
    let data = Panels {
        x: Scale::log(xs, scale::short),
        y,
        x_label,
        y_label: "speedup",
        legend: legend("break-even"),
        panels: panels_of,
    };
    let what = if is_items { "the number of items" } else { "the size of the numbers" };
    let title = format!("Break-even: speedup against {what}");
    Figure {
        name: name.into(),
        svg: panels(&title, "For each backend, the speedup at each size, and where it crosses 1.", &data),
        instead: None,
        title,
        caption: "Above the dotted line a batch is faster than one thread. The orange circle is the break-even: the \
                  smallest batch that is not slower."
            .into(),
        trap: BREAK_EVEN_TRAP,
        table: findings(analysis),
    }
}
