//! Timelines: what each worker did when.

use crate::figure::Item;
use fib_report::Analysis;

/// Nothing yet: no analysis has the chunks of a run.
pub(super) fn items(_record: usize, _analysis: &Analysis) -> Vec<Item> {
    vec![]
}
