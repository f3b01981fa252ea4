//! The explorer: the laws of Amdahl, Gustafson and Gunther with sliders, beside what was measured here.

use crate::Section;
use crate::figure::Item;
use fib_report::{Analysis, Matrix, Row};
use maud::{PreEscaped, html};
use serde_json::{Value, json};

/// A slider: its name in the script, its label, and its lowest, highest, first and smallest step.
const SLIDERS: [(&str, &str, [&str; 4]); 4] = [
    ("serial", "serial fraction f", ["0", "0.5", "0.02", "0.001"]),
    ("contention", "contention a", ["0", "0.3", "0.02", "0.001"]),
    ("coherency", "coherency b", ["0", "0.01", "0.0002", "0.0001"]),
    ("workers", "workers", ["1", "10", "6", "1"]),
];

pub(super) fn section(analyses: &[Analysis]) -> Section {
    let batches: Vec<Value> = (1..)
        .zip(analyses)
        .flat_map(|(number, analysis)| {
            let prefix =
                if analyses.len() > 1 { format!("record {number}: ") } else { String::new() };
            batches(&analysis.matrix, &prefix)
        })
        .collect();
    let mut section = Section { id: "laws", title: "Try the laws", items: vec![] };
    if batches.is_empty() {
        return section;
    }
    // `<` could end the script, so it is written as JSON writes any character.
    let data = Value::from(batches).to_string().replace('<', "\\u003c");
    let markup = html! {
        p { "Move the sliders and watch three laws of speedup. The dots are the speedups that were measured here." }
        noscript { p { "The explorer is the one part of this page that needs JavaScript." } }
        div #explorer hidden {
            div.sliders {
                label { "batch " select #explorer-batch {} }
                @for (name, label, [low, high, first, step]) in SLIDERS {
                    label { (label) " " output for={ "explorer-" (name) } {}
                        input type="range" id={ "explorer-" (name) } min=(low) max=(high) value=(first) step=(step);
                    }
                }
            }
            div.chart tabindex="0" role="group" aria-label="The laws of speedup and the measured speedups" {
                svg #explorer-chart viewBox="0 0 760 420" role="img" aria-labelledby="explorer-title" {
                    title #explorer-title { "Speedup against workers by three laws" }
                }
            }
            p #explorer-reading aria-live="polite" {}
            p.trap { strong { "How this can mislead you: " } "the curves follow your sliders and not the measurements. \
                A law that runs through the dots is not yet the reason for them." }
        }
        script type="application/json" id="explorer-data" { (PreEscaped(data)) }
    };
    section.items.push(Item::Prose(markup));
    section
}

/// The measured speedups of each batch: backend, workers, speedup.
fn batches(matrix: &Matrix, prefix: &str) -> Vec<Value> {
    let batch = |row: &Row| {
        let cells = row.cells.iter().filter(|cell| cell.engine.is_none());
        let points: Vec<Value> = cells
            .filter_map(|cell| {
                let speedup =
                    cell.speedup.map(|speedup| speedup.median).filter(|s| s.is_finite())?;
                Some(json!([cell.backend, cell.workers, (speedup * 1e4).round() / 1e4]))
            })
            .collect();
        (!points.is_empty())
            .then(|| json!({ "name": format!("{prefix}{}", row.scenario.name), "points": points }))
    };
    matrix.rows.iter().filter_map(batch).collect()
}
