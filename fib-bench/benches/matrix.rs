//! The matrix, as `fib compare` prints it: every cell against the baseline of the same round.
//!
//! Takes a filter as criterion does, as part of `<scenario>/<backend>/<workers>`; criterion's
//! options mean nothing here.

use fib::{Settings, kernels};
use fib_bench::engine::{NAME, Offer, serve_stdio};
use fib_bench::record::{Record, Reference, Study};
use fib_bench::{Plan, SCENARIOS, Scenario, analyse, measure, report, verify};
use std::io::{self, Write};
use std::time::Duration;

/// Makes this program a runner.
const RUNNER: &str = "runner";

fn main() -> io::Result<()> {
    fib::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == RUNNER) {
        return serve_stdio(Offer {
            name: NAME,
            backends: fib::REGISTRY,
            kernels: kernels::KERNELS,
        });
    }
    let filter = arguments.first().filter(|argument| !argument.starts_with('-'));
    let plan = plan(filter.map_or("", String::as_str))?;
    if arguments.iter().any(|argument| argument == "--list") || plan.batches.is_empty() {
        return Ok(());
    }
    if arguments.iter().any(|argument| argument == "--test") {
        return print(&format!("{:#?}\n", verify(&plan)));
    }
    let (mut header, mut samples) = (None, vec![]);
    let mut keep = |record| {
        match record {
            Record::Header(head) => header = Some(head),
            Record::Sample(sample) => samples.push(*sample),
            Record::Resumed(_) => {}
        }
        Ok(())
    };
    measure(&plan, &mut |_| {}, &mut keep)?;
    header.map_or(Ok(()), |header| print(&report::table(&analyse(*header, &samples))))
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// The default comparison, less the scenarios and backends that are in no cell of the filter.
fn plan(filter: &str) -> io::Result<Plan> {
    let workers = Settings::default().workers;
    let scenarios =
        || SCENARIOS.iter().filter(|scenario| !scenario.full_only || !filter.is_empty());
    let backends = || fib::REGISTRY.iter().filter(|entry| entry.name != fib::SEQUENTIAL.name);
    let wanted =
        |scenario: &str, backend: &str| format!("{scenario}/{backend}/{workers}").contains(filter);
    let scenarios = scenarios().filter(|s| backends().any(|b| wanted(s.name, b.name)));
    let backends = backends().filter(|b| SCENARIOS.iter().any(|s| wanted(s.name, b.name)));
    Ok(Plan {
        study: Study::Compare,
        batches: scenarios.map(Scenario::batch).collect(),
        runner: vec![std::env::current_exe()?.into(), RUNNER.into()],
        backends: backends.map(|entry| entry.name.into()).collect(),
        engines: vec![],
        against: Reference::default(),
        workers: vec![workers],
        kernel: kernels::KERNELS[0],
        chunking: fib::Chunking::default(),
        pin: false,
        explain: false,
        seed: 1,
        budget: Duration::from_secs(27),
        width: None,
        cell_limit: Duration::from_secs(20),
        command: format!("cargo bench -p fib-bench --bench matrix {filter}").trim_end().into(),
    })
}
