//! JSON Lines and CSV. Both print what serde derives: the cells, the scenarios and the findings.

use crate::analyse::Analysis;
use crate::studies::Findings;
use serde::Serialize;
use serde_json::{Map, Value};

/// The analysis as JSON Lines: the header, every cell, every scenario, and every finding. Times are
/// in nanoseconds; what was not measured is null.
pub fn json(analysis: &Analysis) -> String {
    let Analysis { matrix, findings } = analysis;
    let mut lines = vec![line("header", &matrix.header)];
    lines.extend(matrix.rows.iter().flat_map(|row| row.all_cells()).map(|cell| line("cell", cell)));
    lines.extend(matrix.rows.iter().map(|row| line("scenario", row)));
    lines.extend(match findings {
        Findings::Matrix => vec![],
        Findings::Granularity(found) => lines_of("granularity", found),
        Findings::BreakEven(found) => lines_of("break-even", found),
        Findings::Scaling(found) => lines_of("scaling", found),
        Findings::Chunking(found) => lines_of("chunking", found),
        Findings::Model { models, errors } => {
            [lines_of("model", models), lines_of("prediction-errors", errors)].concat()
        }
        Findings::Race(found) => lines_of("race", found),
    });
    lines.concat()
}

fn lines_of<T: Serialize>(kind: &str, found: &[T]) -> Vec<String> {
    found.iter().map(|finding| line(kind, finding)).collect()
}

fn line<T: Serialize>(kind: &str, value: &T) -> String {
    let mut object = Map::from_iter([("kind".to_owned(), Value::from(kind))]);
    object.append(&mut fields(value));
    Value::Object(object).to_string() + "\n"
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

fn lines_of_csv<'a, T: Serialize + 'a>(mut values: impl Iterator<Item = &'a T>) -> String {
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
