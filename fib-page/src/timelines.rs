//! Timelines: what each worker did when.

use crate::Section;
use fib_report::Analysis;

/// Nothing yet: no analysis has the chunks of a run.
pub(super) fn section(_analyses: &[Analysis]) -> Option<Section> {
    None
}
