//! From the chunks of a run to what each worker did.

use crate::engine::protocol::Span;
use crate::record::Lane;
use std::num::NonZeroUsize;

/// One lane for every worker; `None` if the chunks name a worker that there is not.
pub(super) fn lanes(timeline: &[Span], workers: NonZeroUsize) -> Option<Vec<Lane>> {
    let mut lanes = vec![Lane::default(); workers.get()];
    for span in timeline {
        lanes.get_mut(span.worker)?.add(span.start_ns, span.end_ns, span.paused_ns);
    }
    Some(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_summed_up_by_worker_in_any_order() {
        let span =
            |worker, start_ns, end_ns, paused_ns| Span { worker, start_ns, end_ns, paused_ns };
        let timeline = [span(1, 50, 80, 5), span(0, 10, 40, 0), span(1, 5, 45, 10)];
        let three = NonZeroUsize::new(3).unwrap();
        let lane = |chunks, first_ns, last_ns, busy_ns, paused_ns| Lane {
            chunks,
            first_ns,
            last_ns,
            busy_ns,
            paused_ns,
        };
        let expected = vec![lane(1, 10, 40, 30, 0), lane(2, 5, 80, 70, 15), Lane::default()];
        assert_eq!(lanes(&timeline, three), Some(expected));
        assert_eq!(lanes(&timeline, NonZeroUsize::MIN), None);
    }
}
