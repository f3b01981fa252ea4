//! `fib calc`: one number.

use crate::args::{CalcArgs, CalcFormat};
use crate::compute::interrupted;
use crate::failure::BadInput;
use crate::format::{brief, hex};
use crate::input::quoted;
use crate::interrupt;
use crate::output::{Target, to_target};
use crate::progress::ProgressLine;
use crate::spec::{Spec, SpecError, index};
use fib::{compute, from_limbs};
use std::sync::Arc;

pub(crate) fn run(args: &CalcArgs, quiet: bool) -> anyhow::Result<()> {
    let n = index(&args.n).map_err(|error| {
        let problem = match error {
            SpecError::Malformed => "expected one index in decimal digits, such as 1000".into(),
            error => error.to_string(),
        };
        BadInput(format!("{}: {problem}", quoted(&args.n)))
    })?;
    let (kernel, memory) = ((args.kernel.get)(), args.compute.memory());
    let spec = Spec::Copies { count: 1, n };
    args.compute.limits(&*kernel, memory).check(spec)?;
    let control = args.compute.watch()?;
    let target = Target::open(args.compute.out.as_deref())?;
    let backend = args.compute.build(Some(1))?;
    let options = args.compute.options(memory, control);
    let to_stdout = args.compute.out.is_none();
    let bytes = Arc::default();
    let progress =
        ProgressLine::of_computation(quiet, to_stdout, &options.control, &bytes, Some(1));
    let outcome = compute(&*backend, &kernel, &[n], &options);
    if interrupt::exit_code().is_some() {
        interrupted(0, Some(1));
        return Ok(());
    }
    let number = from_limbs(outcome?.limbs(0).unwrap_or_default());
    let text = match args.format {
        CalcFormat::Dec => number.to_string(),
        CalcFormat::Hex => hex(&number),
        CalcFormat::Brief => brief(&number),
    };
    drop(progress);
    to_target(target, |out| writeln!(out, "{text}"))
}
