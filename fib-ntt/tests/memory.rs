//! The predicted memory is an upper bound, and not a careless one. The peak is that of this process, so this test is
//! alone in its binary.
#![cfg(all(target_os = "linux", not(miri)))]
#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

use fib_ntt::{OneThread, memory, multiply};

/// The memory of this process (`VmRSS`), or its largest memory (`VmHWM`), in bytes.
fn resident(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let kib: usize = line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().unwrap();
    kib << 10
}

/// Makes the largest memory the one of this moment (proc(5)).
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

#[test]
fn products_take_no_more_than_predicted() {
    // The program itself pages in code while it computes.
    const CODE: usize = 4 << 20;
    let warm = multiply(&[1; 2000], &[1; 2000], &OneThread).unwrap();
    drop(warm);
    for (a, b) in [(100_000, 100_000), (300_000, 1000), (1_000_000, 900_000)] {
        let numbers = (vec![u64::MAX; a], vec![u64::MAX; b]);
        forget_peak();
        let before = resident("VmRSS");
        let product = multiply(&numbers.0, &numbers.1, &OneThread).unwrap();
        let (used, predicted) = (resident("VmHWM") - before, memory(a, b));
        assert!(used <= predicted + CODE, "{used} bytes of {predicted}");
        assert!(predicted <= 2 * used + CODE, "{used} bytes of {predicted}");
        assert_eq!(product[0], 1);
    }
}
