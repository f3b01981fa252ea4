//! `fib calc`: one number.

use crate::args::{CalcArgs, CalcFormat};
use crate::compute::interrupted;
use crate::failure::BadInput;
use crate::format::{brief, hex};
use crate::input::quoted;
use crate::interrupt;
use crate::output::to_target;
use crate::progress::{Position, ProgressLine};
use crate::spec::{Spec, SpecError, index};
use crate::target::Target;
use fib::kernels::{empty, in_text};
use fib::{MemoryLimit, compute, from_limbs, text};
use std::sync::Arc;

/// Neither a kernel nor memory is needed for the ends of a number.
fn print_brief(args: &CalcArgs, n: u64) -> anyhow::Result<()> {
    let memory = MemoryLimit::Bytes(u64::MAX);
    args.compute.limits(&*empty(), memory).check(Spec::Copies { count: 1, n })?;
    let target = Target::open(args.compute.out.as_deref())?;
    to_target(target, |out| writeln!(out, "{}", brief(n)))
}

pub(crate) fn run(args: &CalcArgs, quiet: bool) -> anyhow::Result<()> {
    let n = index(&args.n).map_err(|error| {
        let problem = match error {
            SpecError::Malformed => "expected one index in decimal digits, such as 1000".into(),
            error => error.to_string(),
        };
        BadInput(format!("{}: {problem}", quoted(&args.n)))
    })?;
    if args.format == CalcFormat::Brief {
        return print_brief(args, n);
    }
    let (mut kernel, memory) = ((args.kernel.get)(), args.compute.memory());
    if args.format == CalcFormat::Dec {
        kernel = in_text(&kernel);
    }
    let spec = Spec::Copies { count: 1, n };
    args.compute.limits(&*kernel, memory).check(spec)?;
    let control = args.compute.watch()?;
    let target = Target::open(args.compute.out.as_deref())?;
    let backend = args.compute.build(Some(1))?;
    let options = args.compute.options(memory, control);
    let position = Position { earlier: 0, count: Some(1), written: Arc::default() };
    let hidden = args.compute.hides_progress(quiet);
    let progress = ProgressLine::of_computation(hidden, &options.control, position);
    let outcome = compute(&*backend, &kernel, &[n], &options);
    if interrupt::exit_code().is_some() {
        interrupted(0, Some(1), false);
        return Ok(());
    }
    let table = outcome?;
    let limbs = table.limbs(0).unwrap_or_default();
    drop(progress);
    to_target(target, |out| match args.format {
        CalcFormat::Hex => writeln!(out, "{}", hex(&from_limbs(limbs))),
        _ => out.write_all(text::characters(limbs)).and_then(|()| out.write_all(b"\n")),
    })
}
