//! JSON Lines and CSV. Both print what serde derives: the cells, the scenarios and the findings.

use crate::analyse::Analysis;
use crate::analysis::{Cell, Row};
use crate::difference::{CellDifference, Difference};
use crate::record::Header;
use crate::studies::{
    BreakEven, ChunkingEffect, Findings, ForkCost, Granularity, Model, PredictionErrors,
    RaceResult, Scaling,
};
use crate::timeline::Timeline;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A line of a report in JSON. `docs/analysis.schema.json` is generated from this type.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[schemars(rename = "AnalysisLine")]
enum Line<'a> {
    /// The header of the record.
    Header(&'a Header),
    Cell(&'a Cell),
    Scenario(&'a Row),
    Granularity(&'a Granularity),
    BreakEven(&'a BreakEven),
    Scaling(&'a Scaling),
    Chunking(&'a ChunkingEffect),
    Forks(&'a ForkCost),
    Model(&'a Model),
    PredictionErrors(&'a PredictionErrors),
    Race(&'a RaceResult),
    /// A run with its chunks, with `--timelines`.
    Timeline(TimelineLine<'a>),
    /// A cell in two records.
    Difference(&'a CellDifference),
}

/// A run of a backend on a scenario.
#[derive(Serialize, JsonSchema)]
struct TimelineLine<'a> {
    /// The name of the scenario.
    scenario: &'a str,
    #[serde(flatten)]
    run: &'a Timeline,
}

/// The analysis as JSON Lines: the header, every cell, every scenario, and every finding. Times are
/// in nanoseconds; what was not measured is null.
pub fn json(analysis: &Analysis) -> String {
    let Analysis { matrix, findings } = analysis;
    let mut lines = vec![Line::Header(&matrix.header)];
    lines.extend(matrix.rows.iter().flat_map(|row| row.all_cells()).map(Line::Cell));
    lines.extend(matrix.rows.iter().map(Line::Scenario));
    match findings {
        Findings::Matrix => {}
        Findings::Granularity(found) => lines.extend(found.iter().map(Line::Granularity)),
        Findings::BreakEven(found) => lines.extend(found.iter().map(Line::BreakEven)),
        Findings::Scaling(found) => lines.extend(found.iter().map(Line::Scaling)),
        Findings::Chunking(found) => lines.extend(found.iter().map(Line::Chunking)),
        Findings::Forks(found) => lines.extend(found.iter().map(Line::Forks)),
        Findings::Model { models, errors } => {
            lines.extend(models.iter().map(Line::Model));
            lines.extend(errors.iter().map(Line::PredictionErrors));
        }
        Findings::Race(found) => lines.extend(found.iter().map(Line::Race)),
    }
    printed(lines.into_iter())
}

/// The runs whose chunks the record has, as JSON Lines. Times are in nanoseconds.
pub fn timelines_json(analysis: &Analysis) -> String {
    let cells = analysis.matrix.rows.iter().flat_map(|row| &row.cells);
    let run = |cell: &'_ Cell| -> Option<String> {
        let run = TimelineLine { scenario: &cell.scenario, run: cell.timeline.as_ref()? };
        Some(printed([Line::Timeline(run)].into_iter()))
    };
    cells.filter_map(run).collect()
}

/// The difference between two records as JSON Lines: one line for each cell.
pub fn difference_json(difference: &Difference) -> String {
    printed(difference.cells().map(Line::Difference))
}

/// Only structs of plain data come here, so nothing fails.
fn printed<'a>(lines: impl Iterator<Item = Line<'a>>) -> String {
    lines.map(|line| serde_json::to_string(&line).unwrap_or_default() + "\n").collect()
}

/// The fields of a struct.
fn fields<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(), // only structs of plain data come here
    }
}

/// The cells as CSV with a line of column names, or the results of a race. What was not measured is empty.
pub fn csv(analysis: &Analysis) -> String {
    match &analysis.findings {
        Findings::Race(results) => lines_of_csv(results.iter()),
        _ => lines_of_csv(analysis.matrix.rows.iter().flat_map(|row| row.all_cells())),
    }
}

pub(super) fn lines_of_csv<'a, T: Serialize + 'a>(
    mut values: impl Iterator<Item = &'a T>,
) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    let mut next = values.next();
    // All values have the same fields. Writing to memory cannot fail.
    if let Some(value) = next {
        let _ = writer.write_record(columns(value).into_iter().map(|(name, _)| name));
    }
    while let Some(value) = next {
        let _ = writer.write_record(columns(value).into_iter().map(|(_, value)| value));
        next = values.next();
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// The fields of a struct as columns. Nested fields are joined: the ends of the interval of
/// `speedup` are `speedup_low` and `speedup_high`, and its median is `speedup`.
fn columns<T: Serialize>(value: &T) -> Vec<(String, String)> {
    let column = |(name, value): (String, Value)| match value {
        Value::Object(nested) => nested
            .into_iter()
            .map(|(inner, value)| match inner.as_str() {
                "median" => (name.clone(), text(&value)),
                "low" | "high" => (format!("{name}_{inner}"), text(&value)),
                _ => (inner, text(&value)),
            })
            .collect(),
        value => vec![(name, text(&value))],
    };
    fields(value).into_iter().flat_map(column).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::generate::SchemaSettings;
    use snapbox::{assert_data_eq, file};

    /// `SNAPSHOTS=overwrite cargo test -p fib-report` writes the file again.
    #[test]
    fn the_schema_in_the_documentation_is_the_schema_of_these_types() {
        let settings = SchemaSettings::default().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<Line<'_>>();
        let schema = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert_data_eq!(schema, file!["../../../docs/analysis.schema.json"].raw());
    }
}
