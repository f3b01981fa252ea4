//! The matrix as `fib compare` prints it: every cell against the baseline of the same round.
//!
//! Its argument is a filter, as for criterion: a part of `<scenario>/<backend>/<workers>`. The
//! options of criterion have no effect here.

use fib::{Settings, kernels};
use fib_bench::{Plan, SCENARIOS, Scenario, measure, verify};
use fib_engine::{NAME, Offer, serve_stdio};
use fib_page::html;
use fib_report::{Page, Record, Study, analyse, text};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// The argument that makes this program a runner.
const RUNNER: &str = "runner";

fn main() -> io::Result<()> {
    fib::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == RUNNER) {
        return serve_stdio(Offer {
            name: NAME,
            backends: &fib::REGISTRY.iter().collect::<Vec<_>>(),
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
    let Some(header) = header else { return Ok(()) };
    let analysis = analyse(*header, &samples);
    print(&text(&analysis, Page::default()))?;
    let page = page_file()?;
    fs::write(&page, html(&[analysis]))?;
    print(&format!("\nThe same as a page with charts: {}\n", page.display()))
}

/// The file of the page: in the build folder, which has this program in `release/deps`.
fn page_file() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(3).map_or_else(std::env::temp_dir, PathBuf::from);
    Ok(folder.join("fib-report.html"))
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// The default comparison, limited to the scenarios and backends that the filter selects.
fn plan(filter: &str) -> io::Result<Plan> {
    let workers = Settings::default().workers;
    let scenarios =
        || SCENARIOS.iter().filter(|scenario| !scenario.full_only || !filter.is_empty());
    let backends = || fib::REGISTRY.iter().filter(|entry| entry.name != fib::SEQUENTIAL.name);
    let wanted =
        |scenario: &str, backend: &str| format!("{scenario}/{backend}/{workers}").contains(filter);
    let scenarios = scenarios().filter(|s| backends().any(|b| wanted(s.name, b.name)));
    let backends = backends().filter(|b| SCENARIOS.iter().any(|s| wanted(s.name, b.name)));
    let runner = vec![std::env::current_exe()?.into(), RUNNER.into()];
    let batches = scenarios.map(Scenario::batch).collect();
    Ok(Plan {
        backends: backends.copied().collect(),
        command: format!("cargo bench -p fib-bench --bench matrix {filter}").trim_end().into(),
        ..Plan::new(Study::Compare, batches, runner)
    })
}
