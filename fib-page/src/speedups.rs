//! Speedup against workers: what was measured, the laws that fit it, and what is predicted beyond.

use crate::blocks::show_blocks;
use crate::charts::{Layer, Paint, Panel, Panels, Scale, panels, scale};
use crate::figure::{Figure, Item, slug};
use fib_report::report::{Block, TextTable, checks, model_table, ratio, scaling_tables, spread};
use fib_report::{
    Amdahl, Analysis, Estimate, Findings, Matrix, Model, Prediction, Row, STRONG, Scaling, Usl,
    WORKERS,
};
use std::collections::BTreeSet;

const MEASURED_TRAP: &str = "Both axes are logarithmic, so a curve that bends away from the dotted line loses more than it seems \
                             to. A law that fits a few worker counts says little about many.";

const PREDICTED_TRAP: &str = "Everything beyond the last dot is a simulation and not a measurement. The band holds the noise of what it is \
                              computed from, and not the error of the simulation. The simulation assumes a CPU for each \
                              worker and memory that is as fast for a thousand workers as for these.";

pub(super) fn items(_record: usize, analysis: &Analysis) -> Vec<Item> {
    let matrix = &analysis.matrix;
    let figures: Vec<(String, Figure)> = match &analysis.findings {
        Findings::Model { models, .. } => {
            let row =
                |model: &Model| matrix.rows.iter().find(|row| row.scenario.name == model.scenario);
            let figures = models.iter().filter_map(|model| Some((model, row(model)?)));
            figures.map(|(model, row)| (model.scenario.clone(), predicted(row, model))).collect()
        }
        Findings::Scaling(scalings) => {
            let rows = matrix.rows.iter().filter(|row| row.scenario.name == STRONG);
            rows.map(|row| (STRONG.into(), scaled(matrix, row, scalings))).collect()
        }
        Findings::Matrix => {
            let several = |row: &&Row| counts(row).len() > 1;
            let rows = matrix.rows.iter().filter(several);
            rows.map(|row| (row.scenario.name.clone(), measured(matrix, row))).collect()
        }
        _ => vec![],
    };
    let errors = match &analysis.findings {
        Findings::Model { errors, .. } => Some(Item::Prose(show_blocks(&checks(errors)))),
        _ => None,
    };
    Item::of("Batch", figures, 0).into_iter().chain(errors).collect()
}

/// The worker counts of our own backends.
fn counts(row: &Row) -> BTreeSet<usize> {
    let own = row.cells.iter().filter(|cell| cell.chunking.is_some());
    own.map(|cell| cell.workers).collect()
}

/// The speedups of a backend.
fn points(row: &Row, label: &str) -> Vec<(f64, Estimate)> {
    let cells = row.cells.iter().filter(|cell| cell.backend == label);
    cells.filter_map(|cell| Some((cell.workers as f64, cell.speedup?))).collect()
}

/// The ideal line and the ceiling with its interval, which every panel shows.
fn background(row: &Row, most: f64) -> Vec<Layer> {
    let own = row.ceilings.iter().filter(|ceiling| ceiling.kernel == row.baseline.kernel);
    let above_one = || own.clone().filter(|ceiling| ceiling.copies > 1);
    let median = above_one().map(|ceiling| (ceiling.copies as f64, ceiling.speedup.median));
    let interval = above_one().filter_map(|ceiling| {
        let (low, high) = ceiling.speedup.interval?;
        Some((ceiling.copies as f64, low, high))
    });
    vec![
        Layer::Line(Paint::Ideal, vec![(1.0, 1.0), (most, most)]),
        Layer::Band(Paint::Ceiling, [(1.0, 1.0, 1.0)].into_iter().chain(interval).collect()),
        Layer::Line(Paint::Ceiling, [(1.0, 1.0)].into_iter().chain(median).collect()),
    ]
}

/// Panels of these layers, whose axes hold everything.
fn with_axes(panels: Vec<Panel>, most: f64, laws: &[(Paint, &'static str)]) -> Panels {
    let layers = panels.iter().flat_map(|panel| &panel.layers);
    let values = layers.flat_map(|layer| -> Vec<f64> {
        match layer {
            Layer::Line(_, points) | Layer::Marks(_, points) => {
                points.iter().map(|p| p.1).collect()
            }
            Layer::Band(_, points) => points.iter().flat_map(|p| [p.1, p.2]).collect(),
            Layer::Points(_, points) => points.iter().flat_map(|p| ends(p.1)).collect(),
        }
    });
    let y = Scale::log(values.collect::<Vec<_>>(), scale::short);
    let background = [
        (Paint::Measured, "measured"),
        (Paint::Ideal, "ideal"),
        (Paint::Ceiling, "ceiling of this machine"),
    ];
    let legend = background.into_iter().chain(laws.iter().copied()).collect();
    Panels { x: Scale::workers(most), y, x_label: "workers", y_label: "speedup", legend, panels }
}

/// The median and the ends of the interval.
fn ends(estimate: Estimate) -> Vec<f64> {
    let interval = estimate.interval.into_iter().flat_map(|(low, high)| [low, high]);
    interval.chain([estimate.median]).collect()
}

fn measured(matrix: &Matrix, row: &Row) -> Figure {
    let most = counts(row).last().copied().unwrap_or(1) as f64;
    let labels = matrix.header.backends.iter().map(|head| &head.label);
    let panel = |label: &String| {
        let points = points(row, label);
        let mut layers = background(row, most);
        layers
            .push(Layer::Line(Paint::Measured, points.iter().map(|p| (p.0, p.1.median)).collect()));
        layers.push(Layer::Points(Paint::Measured, points));
        Panel { title: label.clone(), layers }
    };
    let data = with_axes(labels.map(panel).collect(), most, &[]);
    let title = format!("Speedup of {} against workers", row.scenario.name);
    Figure {
        name: slug(&["speedup", &row.scenario.name]),
        svg: panels(&title, "For each backend, the measured speedup at each worker count.", &data),
        instead: None,
        title,
        caption: "The dots are measured speedups with their intervals. The space between the dots and the green line is lost \
                  by the backend, and the space between the green and the dotted line is lost by the machine."
            .into(),
        trap: MEASURED_TRAP,
        table: vec![Block::Table(by_workers(matrix, row))],
    }
}

/// The speedups with the half-widths of their intervals: backends down, worker counts across.
fn by_workers(matrix: &Matrix, row: &Row) -> TextTable {
    let counts: Vec<usize> = counts(row).into_iter().collect();
    let heading = counts.iter().map(|count| match count {
        1 => "1 worker".into(),
        count => format!("{count} workers"),
    });
    let line = |label: &String| -> Vec<String> {
        let points = points(row, label);
        let value = |count: &usize| {
            let point = points.iter().find(|(workers, _)| *workers == *count as f64);
            point.map_or("-".into(), |(_, s)| format!("{} ±{}", ratio(s.median), spread(s)))
        };
        [label.clone()].into_iter().chain(counts.iter().map(value)).collect()
    };
    let labels = matrix.header.backends.iter().map(|head| &head.label);
    TextTable::new(["backend".to_owned()].into_iter().chain(heading)).with_rows(labels.map(line))
}

fn scaled(matrix: &Matrix, row: &Row, scalings: &[Scaling]) -> Figure {
    let most = counts(row).last().copied().unwrap_or(1).max(matrix.header.cores) as f64;
    let panel = |found: &Scaling| {
        let points: Vec<_> = found
            .strong
            .iter()
            .filter_map(|point| Some((point.workers as f64, point.speedup?)))
            .collect();
        let mut layers = background(row, most);
        layers.extend(laws(found, most));
        layers.push(Layer::Points(Paint::Measured, points));
        Panel { title: found.backend.clone(), layers }
    };
    let laws = [(Paint::Law, "Amdahl's law"), (Paint::Predicted, "USL")];
    let data = with_axes(scalings.iter().map(panel).collect(), most, &laws);
    let title = "Speedup of the same batch against workers".to_owned();
    Figure {
        name: "scaling".into(),
        svg: panels(&title, "For each backend, the measured speedup at each worker count, and the laws that fit it.", &data),
        instead: None,
        title,
        caption: "The dots are measured speedups with their intervals. Amdahl's law and the USL are drawn where they can be \
                  fitted; where they cannot, the numbers say why."
            .into(),
        trap: MEASURED_TRAP,
        table: scaling_tables(scalings),
    }
}

/// The laws with their fitted parameters, at every worker count.
fn laws(found: &Scaling, most: f64) -> Vec<Layer> {
    let counts = || (1..=most as usize).filter(|count| *count <= 64 || count.is_multiple_of(8));
    let curve = |paint, law: &dyn Fn(usize) -> f64| {
        Layer::Line(paint, counts().map(|count| (count as f64, law(count))).collect())
    };
    let mut layers = vec![];
    if let (Ok(serial), Ok(tax)) = (&found.amdahl, &found.amdahl_tax) {
        let law = Amdahl { serial: serial.median, tax: tax.median };
        layers.push(curve(Paint::Law, &|count| law.speedup(count)));
    }
    if let (Ok(unit), Ok(a), Ok(b)) = (&found.usl_unit, &found.usl_contention, &found.usl_coherency)
    {
        let law = Usl { unit: unit.median, contention: a.median, coherency: b.median };
        layers.push(curve(Paint::Predicted, &|count| law.throughput(count as f64)));
    }
    layers
}

/// The intervals of predicted speedups.
fn band(ends: &[(f64, f64)]) -> Layer {
    let points = WORKERS.iter().zip(ends).map(|(count, (low, high))| (*count as f64, *low, *high));
    Layer::Band(Paint::Predicted, points.collect())
}

fn predicted(row: &Row, model: &Model) -> Figure {
    let most = WORKERS.last().map_or(1.0, |most| *most as f64);
    let over = |speedups: &[f64]| -> Vec<(f64, f64)> {
        WORKERS.iter().map(|count| *count as f64).zip(speedups.iter().copied()).collect()
    };
    let panel = |prediction: &Prediction| {
        let mut layers = background(row, most);
        layers.push(Layer::Line(Paint::Context, over(&model.bound)));
        layers.extend(prediction.amdahl.map(|law| Layer::Line(Paint::Law, over(&law))));
        layers.extend(prediction.intervals.map(|ends| band(&ends)));
        layers.push(Layer::Line(Paint::Predicted, over(&prediction.speedups)));
        layers.push(Layer::Points(Paint::Measured, points(row, &prediction.backend)));
        Panel { title: prediction.backend.clone(), layers }
    };
    let lines = [
        (Paint::Predicted, "predicted"),
        (Paint::Law, "Amdahl's law"),
        (Paint::Context, "upper bound"),
    ];
    let data = with_axes(model.predictions.iter().map(panel).collect(), most, &lines);
    let title = format!("Predicted speedup of {} up to 1024 workers", model.scenario);
    Figure {
        name: slug(&["prediction", &model.scenario]),
        svg: panels(&title, "For each backend, the measured speedups and the predicted speedups up to 1024 workers.", &data),
        instead: None,
        title,
        caption: "Only the dots are measured. The dashed line and its band are predicted by a simulation of the schedule: where the line bends \
                  down, more workers make the batch slower. No schedule can pass the upper bound. Amdahl's law has the \
                  serial fraction of Karp and Flatt."
            .into(),
        trap: PREDICTED_TRAP,
        table: model_table(model).into(),
    }
}
