//! The cells as criterion benchmarks, `<scenario>/<backend>/<workers>`, each measured alone.
//!
//! Criterion measures one cell after another. Use it to watch how a cell changes over time
//! (`--save-baseline`), and use the matrix to compare cells with each other.

use criterion::{BenchmarkId, Criterion};
use fib::{
    Descriptor, FibBackend, Layout, MemoryLimit, Options, Settings, Table, execute, kernels,
};
use fib_bench::{SCENARIOS, Scenario};
use std::time::Duration;

fn main() {
    fib::init();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .nresamples(1000)
        .configure_from_args();
    SCENARIOS.iter().for_each(|scenario| scenario_group(&mut criterion, scenario));
    criterion.final_summary();
}

fn scenario_group(criterion: &mut Criterion, scenario: &Scenario) {
    let mut group = criterion.benchmark_group(scenario.name);
    for backend in fib::REGISTRY {
        let built = build(backend);
        let id = BenchmarkId::new(backend.name, built.workers());
        let indices = (scenario.indices)();
        group.bench_function(id, |bencher| {
            let mut table = laid_out(&indices);
            let options = Options::default();
            bencher.iter(|| execute(&*built, &mut table, &options).map(drop));
        });
    }
    group.finish();
}

#[expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to return")]
fn build(backend: &Descriptor) -> Box<dyn FibBackend> {
    backend.build(Settings::default()).expect("the backend can be built")
}

#[expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to return")]
fn laid_out(indices: &[u64]) -> Table {
    let layout = Layout::new(kernels::iterative(), indices, MemoryLimit::default());
    Table::new(layout.expect("within the limit")).expect("there is memory")
}
