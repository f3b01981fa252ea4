//! The registry as a user meets it, whatever features are on.

use fib::{Descriptor, REGISTRY, by_name, default_backend};

/// Tests have no `main` of their own: this runs before it.
// SAFETY: in a worker process it serves and exits, elsewhere it sets a flag; the standard library's
// arguments, threads and sockets work before `main` on the systems these tests run on.
#[ctor::ctor(unsafe)]
fn init() {
    fib::init_with(fib_conformance::kernel);
}

#[test]
fn every_entry_passes_the_suite() {
    REGISTRY.iter().for_each(fib_conformance::check);
}

#[test]
fn every_entry_works_inside_a_task_of_every_other() {
    for outer in REGISTRY {
        REGISTRY.iter().for_each(|inner| fib_conformance::check_nested(outer, inner));
    }
}

#[test]
fn names_are_distinct_and_found() {
    for entry in REGISTRY {
        assert_eq!(REGISTRY.iter().filter(|other| other.name == entry.name).count(), 1);
        assert_eq!(by_name(entry.name).map(|found| found.summary), Some(entry.summary));
    }
    assert!(by_name("no-such-backend").is_none());
}

#[test]
fn the_default_follows_the_features() {
    let expected = if cfg!(feature = "rayon") {
        "rayon"
    } else if cfg!(feature = "crossbeam") {
        "crossbeam"
    } else if cfg!(feature = "threads") {
        "threads-pool"
    } else {
        "sequential"
    };
    assert_eq!(default_backend().name, expected);
}

/// Backends differ in when things happen, never in what comes out.
#[test]
fn all_give_the_same_limbs() {
    let wanted: Vec<u64> = (0..500).map(|i| i * 37 % 1009).collect();
    let arena = |entry: &Descriptor| {
        let backend = entry.build(fib::Settings::default()).unwrap();
        let options = fib::Options::default();
        let table = fib::compute(&*backend, &fib::kernels::doubling(), &wanted, &options).unwrap();
        table.arena().to_vec()
    };
    let baseline = arena(&REGISTRY[0]);
    assert!(REGISTRY.iter().all(|entry| arena(entry) == baseline));
}
