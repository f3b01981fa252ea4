//! The indices that the command line asks for: its specs, its file and standard input.

use crate::args::SpecArgs;
use crate::failure::BadInput;
use crate::input::{open, quoted, standard_input};
use crate::spec::{NumberLimits, Spec, Wanted};
use fib::{Control, MemoryLimit, Order};
use std::fs::{self, Metadata};

type SpecResult = Result<Spec, BadInput>;

impl SpecArgs {
    /// Every spec, in order. Standard input is read as it arrives, until `control` is cancelled.
    ///
    /// # Errors
    /// [`BadInput`] if an argument is not a spec, or if the file cannot be opened.
    pub(crate) fn specs(
        &self,
        control: &Control,
    ) -> Result<impl Iterator<Item = SpecResult> + Send + use<>, BadInput> {
        let mut specs: Box<dyn Iterator<Item = SpecResult> + Send> = Box::new(std::iter::empty());
        for (i, text) in self.specs.iter().enumerate() {
            specs = match parse(i, text)? {
                Some(spec) => Box::new(specs.chain([Ok(spec)])),
                None => Box::new(specs.chain(standard_input(control.clone()))),
            };
        }
        if let Some(path) = &self.file {
            specs = Box::new(specs.chain(open(path, control.clone())?));
        }
        Ok(specs)
    }

    /// Checks everything that can be checked before the first result: all arguments, and the whole
    /// file if it is a regular file. Returns the number of indices, if it is known; a number beyond
    /// u64 becomes the largest u64.
    ///
    /// # Errors
    /// [`BadInput`], and the errors of [`NumberLimits::check`].
    pub(crate) fn check(&self, limits: &NumberLimits<'_>) -> anyhow::Result<Option<u64>> {
        let (mut count, mut is_known) = (0u128, true);
        let mut check = |spec: Spec| -> anyhow::Result<()> {
            count += spec.count(); // fewer than 2^64 specs of at most 2^64 indices
            limits.check(spec)
        };
        for (i, text) in self.specs.iter().enumerate() {
            match parse(i, text)? {
                Some(spec) => check(spec)?,
                None => is_known = false,
            }
        }
        if let Some(path) = &self.file {
            if path.starts_with("/dev") || fs::metadata(path).is_ok_and(|file| is_special(&file)) {
                is_known = false; // it can be read only once
            } else {
                open(path, Control::default())?.try_for_each(|spec| check(spec?))?;
            }
        }
        Ok(is_known.then(|| u64::try_from(count).unwrap_or(u64::MAX)))
    }

    /// All indices that the limits allow, alone and together. Standard input is read until `control` is
    /// cancelled.
    ///
    /// # Errors
    /// [`BadInput`], and the errors of [`NumberLimits::check`] and of [`Wanted::push`].
    pub(crate) fn all(
        &self,
        limits: &NumberLimits<'_>,
        control: &Control,
    ) -> anyhow::Result<Vec<u64>> {
        let shares_repeats = limits.kernel.order() == Order::Ascending;
        let mut wanted = Wanted::new(limits.memory, shares_repeats);
        for spec in self.specs(control)? {
            let spec = spec?;
            limits.check(spec)?;
            wanted.push(spec)?;
        }
        Ok(wanted.indices)
    }

    /// All indices, as long as a kernel of this order can compute them in `memory`.
    ///
    /// # Errors
    /// [`BadInput`], and the errors of [`Wanted::push`].
    pub(crate) fn wanted(&self, memory: MemoryLimit, order: Order) -> anyhow::Result<Vec<u64>> {
        let mut wanted = Wanted::new(memory, order == Order::Ascending);
        for spec in self.specs(&Control::default())? {
            wanted.push(spec?)?;
        }
        Ok(wanted.indices)
    }
}

/// Whether a file is a device or a FIFO.
fn is_special(file: &Metadata) -> bool {
    !file.is_file() && !file.is_dir()
}

/// The spec of argument `i`, or `None` for standard input.
fn parse(i: usize, text: &str) -> Result<Option<Spec>, BadInput> {
    if text == "-" {
        return Ok(None);
    }
    let problem = |error| BadInput(format!("spec {}: {}: {error}", i + 1, quoted(text)));
    text.parse().map(Some).map_err(problem)
}
