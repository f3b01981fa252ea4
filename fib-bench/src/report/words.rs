//! What a row says, in words.

use super::numbers::{percent, ratio};
use crate::analysis::{Cell, Row, Verdict};

/// One sentence or two: who leads, by how much, and what the best sequential algorithm does.
pub(super) fn sentence(row: &Row) -> String {
    let leaders = leaders(row);
    let mut text = match leaders.first() {
        None => none_is_faster(row),
        Some(best) => {
            let names: Vec<String> = leaders.iter().map(|cell| name(row, cell)).collect();
            let of_ceiling = best.of_ceiling.map_or(String::new(), |part| {
                format!(", {} of what this hardware gives", percent(part.median))
            });
            let speedup = best.speedup.map_or(String::new(), |s| ratio(s.median));
            let of = other_reference(row).map_or(String::new(), |name| format!(" of {name}"));
            let verb = if names.len() == 1 { "leads" } else { "lead" };
            format!("{} {verb} with {speedup}{of}{of_ceiling}", list(&names))
        }
    };
    text += &best_algorithm(row, leaders.first().copied());
    text + "."
}

/// The fastest cell, and those that cannot be told from it.
fn leaders(row: &Row) -> Vec<&Cell> {
    let low = |cell: &Cell| cell.speedup.and_then(|s| s.interval).map_or(f64::NAN, |(low, _)| low);
    let high =
        |cell: &Cell| cell.speedup.and_then(|s| s.interval).map_or(f64::NAN, |(_, high)| high);
    let median = |cell: &Cell| cell.speedup.map_or(0.0, |s| s.median);
    let mut faster: Vec<&Cell> = row.cells.iter().filter(|cell| cell.engine.is_none()).collect();
    faster.retain(|cell| cell.verdict == Some(Verdict::Faster));
    faster.sort_by(|a, b| median(b).total_cmp(&median(a)));
    let floor = faster.first().map_or(f64::NAN, |best| low(best));
    faster.into_iter().take_while(|cell| high(cell) >= floor).collect()
}

fn none_is_faster(row: &Row) -> String {
    let compared: Vec<_> = row
        .cells
        .iter()
        .filter(|cell| cell.engine.is_none())
        .filter_map(|cell| cell.verdict)
        .collect();
    let all_slower = compared.iter().all(|verdict| *verdict == Verdict::Slower);
    match (other_reference(row), all_slower) {
        _ if compared.is_empty() => "nothing to compare".into(),
        (Some(name), true) => format!("everything is slower than {name}"),
        (Some(name), false) => format!("nothing is faster than {name} by more than the noise"),
        (None, true) => "every backend is slower: not worth sharing out, stay sequential".into(),
        (None, false) => "no backend is faster by more than the noise: stay sequential".into(),
    }
}

/// What everything is compared with, if that is not sequential.
fn other_reference(row: &Row) -> Option<&str> {
    Some(&*row.reference.backend).filter(|name| *name != fib::SEQUENTIAL.name)
}

fn best_algorithm(row: &Row, leader: Option<&Cell>) -> String {
    let leading = leader.and_then(|cell| cell.speedup).map_or(1.0, |s| s.median);
    match row.best.speedup {
        Some(best) if row.best.verdict == Some(Verdict::Faster) && best.median > leading => {
            let shared = if row.best.shared { ", computing repeats once" } else { "" };
            let (kernel, speedup) = (&row.best.kernel, ratio(best.median));
            format!("; the kernel {kernel} on one core reaches {speedup}{shared}")
        }
        _ => String::new(),
    }
}

/// A backend's name, with its workers where a row has several counts.
pub(super) fn name(row: &Row, cell: &Cell) -> String {
    match row.cells.iter().any(|other| other.workers != cell.workers && other.workers > 1) {
        true => format!("{} ({})", cell.backend, cell.workers),
        false => cell.backend.clone(),
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
