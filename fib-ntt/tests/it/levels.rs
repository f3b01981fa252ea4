//! The environment variable that chooses a level.

use fib_ntt::{Level, Transforms};
use std::process::Command;

/// Prints the level, for [`the_variable_chooses_a_level`], which runs this test in a process of its own.
#[test]
fn print_the_level() {
    println!("in use: {} {}", Level::in_use(), Transforms::new().level());
}

fn level_with(variable: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "levels::print_the_level", "--nocapture", "--test-threads=1"]);
    match variable {
        Some(value) => command.env("FIB_NTT", value),
        None => command.env_remove("FIB_NTT"),
    };
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let line = output.lines().find_map(|line| line.split_once("in use: ")).unwrap();
    line.1.to_owned()
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn the_variable_chooses_a_level() {
    let highest = Level::highest();
    for level in Level::ALL {
        let expected = level.min(highest);
        assert_eq!(level_with(Some(level.name())), format!("{expected} {expected}"));
    }
    for variable in [None, Some(""), Some("AVX2"), Some("avx1024")] {
        assert_eq!(level_with(variable), format!("{highest} {highest}"), "{variable:?}");
    }
}

#[test]
fn no_level_is_higher_than_the_processor_has() {
    for level in Level::ALL {
        assert_eq!(Transforms::with_level(level).level(), level.min(Level::highest()));
    }
}
