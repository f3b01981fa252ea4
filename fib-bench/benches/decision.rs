//! The cost of a decision of `auto`: `cargo bench -p fib-bench --bench decision`.
//!
//! For a batch below 50 us the decision is one comparison with the sum of its costs. For any other
//! batch `auto` also searches for the longest number. The decision must cost less than it saves.

use criterion::{BenchmarkId, Criterion};
use fib::{Chunking, Layout, MemoryLimit, Settings, kernels};
use fib_bench::Scenario;
use fib_predict::Auto;
use std::hint::black_box;

#[expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to return")]
fn main() {
    fib::init();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let auto = Auto::new(Settings::default()).expect("the backend can be built");
    let mut group = criterion.benchmark_group("decision");
    for name in ["10xF100", "100xF1000", "10000xF100"] {
        let indices = Scenario::by_name(name).map(|scenario| (scenario.indices)());
        let indices = indices.expect("the scenario is there");
        let layout = Layout::new(kernels::iterative(), &indices, MemoryLimit::default());
        let layout = layout.expect("within the limit");
        let id = BenchmarkId::from_parameter(name);
        group.bench_function(id, |bencher| {
            bencher.iter(|| auto.choose(black_box(&layout), Chunking::default()).map(drop));
        });
    }
    group.finish();
    criterion.final_summary();
}
