//! `fib calc`: one number.

use crate::args::{CalcArgs, CalcFormat};
use crate::compute::{compute, conclude};
use crate::failure::BadInput;
use crate::format::{brief, hex};
use crate::input::quoted;
use crate::output::to_stdout;
use crate::spec::{SpecError, index};

pub(crate) fn run(args: &CalcArgs) -> anyhow::Result<()> {
    let n = index(&args.n).map_err(|error| {
        let problem = match error {
            SpecError::Malformed => "expected one index in decimal digits, such as 1000".into(),
            error => error.to_string(),
        };
        BadInput(format!("{}: {problem}", quoted(&args.n)))
    })?;
    let (kernel, memory) = ((args.kernel.get)(), args.compute.memory());
    let (table, outcome) = compute(&args.compute, kernel, &[n], memory)?;
    let Some(number) = table.to_biguint(0) else { return conclude(outcome, 0, 1) };
    let text = match args.format {
        CalcFormat::Dec => number.to_string(),
        CalcFormat::Hex => hex(&number),
        CalcFormat::Brief => brief(&number),
    };
    to_stdout(|out| writeln!(out, "{text}"))?;
    Ok(outcome?)
}
