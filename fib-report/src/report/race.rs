//! A race: a table for each contest.

use super::numbers::duration;
use super::page::{Block, TextTable};
use super::scenario::fault;
use crate::analysis::Matrix;
use crate::sample::Status;
use crate::studies::RaceResult;

const NOTE: &str = "\
`size` is a number of indices, or the index n, and the last runs used it. `in time` counts those of them that \
ended within the limit, and `longest` is the longest of these. In batches every thousandth result and the last \
one were checked. The techniques ran one after another, so small differences between them mean nothing: \
`fib compare` measures differences.";

pub(super) fn race(matrix: &Matrix, results: &[RaceResult]) -> Vec<Block> {
    let contests = matrix.header.scenarios.iter();
    let tables = contests.flat_map(|contest| {
        let results: Vec<_> = results.iter().filter(|r| r.contest == contest.name).collect();
        let title = format!("{}: {}", contest.name, contest.summary);
        [Block::Title(title), Block::Table(table(&results)), Block::Text(remarks(&results))]
    });
    tables.chain([Block::Text(NOTE.into())]).collect()
}

fn table(results: &[&RaceResult]) -> TextTable {
    let mut table =
        TextTable::new(["technique", "kernel", "workers", "size", "in time", "longest"]);
    for result in results {
        let technique = result.backend.split('@').next().unwrap_or_default();
        let size = match (result.status, result.size) {
            (Status::Ok, Some(size)) => thousands(size),
            (Status::Ok, None) => "none".into(),
            (status, _) => fault(status).into(),
        };
        table.row([
            technique.into(),
            result.kernel.clone(),
            result.workers.to_string(),
            size,
            format!("{} of {}", result.successes, result.runs),
            result.wall_ns.map_or("-".into(), |ns| duration(ns as f64)),
        ]);
    }
    table
}

/// Why techniques failed, and which of them ran out of memory before they ran out of time.
fn remarks(results: &[&RaceResult]) -> String {
    let remark = |result: &&RaceResult| {
        let reason = result.message.as_ref()?;
        Some(format!("{}: {reason}", result.backend))
    };
    results.iter().filter_map(remark).collect::<Vec<_>>().join("\n")
}

/// A number with commas between thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use crate::analyse::analyse;
    use crate::analysis::tests::{header, sample};
    use crate::record::{Header, Study};
    use crate::report::{Page, csv, json, text};
    use crate::sample::{Role, Sample, Status};
    use snapbox::{assert_data_eq, str};

    /// Runs of one technique: role, size, milliseconds.
    fn runs(backend: &str, runs: &[(Role, u64, u64)]) -> Vec<Sample> {
        let run = |(round, &(role, size, ms)): (usize, &(Role, u64, u64))| Sample {
            size: Some(size),
            repeats: 1,
            wall_ns: ms * 1_000_000,
            ..sample(role, backend, 2, round, 1.0)
        };
        runs.iter().enumerate().map(run).collect()
    }

    /// A technique that is found after a size that was too large, one that runs out of memory, one that is
    /// wrong, and one that does nothing in time.
    fn race() -> crate::Analysis {
        use Role::{Confirmation, Probe};
        let late = [(Probe, 10, 200), (Confirmation, 25, 1001)];
        let found = [(Confirmation, 20, 950), (Confirmation, 20, 1010), (Confirmation, 20, 999)];
        let mut samples = runs("quick@doubling", &[&late[..], &found].concat());
        let mut large =
            runs("large@doubling", &[(Probe, 9_000_000, 1), (Confirmation, 1_234_567, 400)]);
        (large[0].status, large[0].message) =
            (Status::Refused, Some("size 9000000: no memory".into()));
        let mut liar = runs("liar@doubling", &[(Probe, 5, 400), (Confirmation, 7, 900)]);
        (liar[1].status, liar[1].message) = (Status::Wrong, Some("the result is wrong".into()));
        samples.extend(large.into_iter().chain(liar));
        samples.extend(runs("slow@iterative", &[(Probe, 1, 1500), (Confirmation, 1, 1500)]));
        let labels = ["quick@doubling", "large@doubling", "liar@doubling"];
        let kernels = labels.map(|label| (label.to_owned(), "doubling".to_owned())).into();
        let (study, limit_s) = (Study::Race, Some(1.0));
        analyse(Header { study, limit_s, kernels, ..header(&[], &[2]) }, &samples)
    }

    #[test]
    fn a_race_as_text_and_as_json() {
        assert_data_eq!(
            text(&race(), Page::default()),
            str![[r#"
Test CPU, 2 CPUs, Test OS
1 s for each run

batch: a batch
technique     kernel  workers       size  in time  longest
──────────────────────────────────────────────────────────
quick       doubling        2         20   2 of 3   999 ms
large       doubling        2  1,234,567   1 of 1   400 ms
liar        doubling        2      WRONG   0 of 1        -
slow       iterative        2       none   0 of 1        -

large@doubling: size 9000000: no memory
liar@doubling: the result is wrong

`size` is a number of indices, or the index n, and the last runs used it. `in
time` counts those of them that ended within the limit, and `longest` is the
longest of these. In batches every thousandth result and the last one were
checked. The techniques ran one after another, so small differences between them
mean nothing: `fib compare` measures differences.

"#]]
        );
        let json = json(&race());
        let first = json.lines().find(|line| line.starts_with("{\"kind\":\"race\""));
        assert_data_eq!(
            first.unwrap_or_default(),
            str![[
                r#"{"kind":"race","contest":"batch","backend":"quick@doubling","kernel":"doubling","workers":2,"size":20,"successes":2,"runs":3,"wall_ns":999000000,"status":"ok","message":null}"#
            ]]
        );
        assert_eq!(csv(&race()).lines().count(), 5);
    }
}
