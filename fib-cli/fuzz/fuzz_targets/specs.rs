//! Any bytes may stand in a file of specs. They must be read or refused, and an error must name the
//! line and, in one line of bounded length, what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Err(problem) = fib_cli::read_specs(input) {
        assert!(problem.starts_with("in:"), "{problem}");
        assert!(problem.len() < 500 && !problem.contains(char::is_control), "{problem}");
    }
});
