//! The matrix, as `fib compare` prints it: every cell against the baseline of the same round.
//!
//! Takes a filter as criterion does, as part of `<scenario>/<backend>/<workers>`; criterion's
//! options mean nothing here.

use fib::{Settings, kernels};
use fib_bench::record::Record;
use fib_bench::{Plan, SCENARIOS, analyse, measure, report, verify};
use std::io::{self, Write};
use std::time::Duration;

fn main() -> io::Result<()> {
    fib::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filter = arguments.first().filter(|argument| !argument.starts_with('-'));
    let plan = plan(filter.map_or("", String::as_str));
    if arguments.iter().any(|argument| argument == "--list") || plan.scenarios.is_empty() {
        return Ok(());
    }
    if arguments.iter().any(|argument| argument == "--test") {
        return print(&format!("{:#?}\n", verify(&plan)));
    }
    let (mut header, mut samples) = (None, vec![]);
    let mut keep = |record| {
        match record {
            Record::Header(head) => header = Some(head),
            Record::Sample(sample) => samples.push(sample),
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
fn plan(filter: &str) -> Plan {
    let workers = Settings::default().workers;
    let scenarios =
        || SCENARIOS.iter().filter(|scenario| !scenario.full_only || !filter.is_empty());
    let backends = || fib::REGISTRY.iter().filter(|entry| entry.name != fib::SEQUENTIAL.name);
    let wanted =
        |scenario: &str, backend: &str| format!("{scenario}/{backend}/{workers}").contains(filter);
    Plan {
        scenarios: scenarios().filter(|s| backends().any(|b| wanted(s.name, b.name))).collect(),
        backends: backends()
            .filter(|b| scenarios().any(|s| wanted(s.name, b.name)))
            .copied()
            .collect(),
        workers: vec![workers],
        kernel: kernels::KERNELS[0],
        chunking: fib::Chunking::default(),
        pin: false,
        seed: 1,
        budget: Duration::from_secs(27),
        command: format!("cargo bench -p fib-bench --bench matrix {filter}").trim_end().into(),
    }
}
