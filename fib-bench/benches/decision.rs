//! What it costs `auto` to decide: `cargo bench -p fib-bench --bench decision`.
//!
//! A batch below 50 us is one look at the sum of its costs; any other also takes a search for its
//! longest number. Neither may cost what it saves.

use criterion::{BenchmarkId, Criterion};
use fib::{Chunking, Layout, MemoryLimit, Settings, kernels};
use fib_bench::Scenario;
use fib_predict::AUTO;
use std::hint::black_box;

#[expect(clippy::expect_used, reason = "a bench that cannot begin has nothing better to do")]
fn main() {
    fib::init();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let auto = AUTO.build(Settings::default()).expect("the backend can be built");
    let mut group = criterion.benchmark_group("decision");
    for name in ["10xF100", "100xF1000", "10000xF100"] {
        let indices = Scenario::by_name(name).map(|scenario| (scenario.indices)());
        let indices = indices.expect("the scenario is there");
        let layout = Layout::new(kernels::iterative(), &indices, MemoryLimit::default());
        let layout = layout.expect("within the limit");
        let id = BenchmarkId::from_parameter(name);
        group.bench_function(id, |bencher| {
            bencher.iter(|| auto.delegate(black_box(&layout), Chunking::default()).map(drop));
        });
    }
    group.finish();
    criterion.final_summary();
}
