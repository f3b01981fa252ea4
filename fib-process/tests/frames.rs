//! Frames that are cut into pieces, changed or invented. These tests do for a second what the fuzz
//! target `frames` does for hours.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use fib_process::frame::{Expectation, FrameError, Inbox, encode};
use fib_process::message::{Indices, KernelName, SentForm, WorkReply, WorkRequest};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::io::{self, Read};

/// A source that gives its bytes in pieces of these lengths. For a length of 0 it would block once.
struct Pieces {
    bytes: VecDeque<u8>,
    lengths: Vec<usize>,
    next: usize,
    blocked: bool,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.next % self.lengths.len()];
        self.next += 1;
        self.blocked = length == 0 && !self.blocked && !self.bytes.is_empty();
        if self.blocked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = length.max(1).min(room.len()).min(self.bytes.len());
        self.bytes.read(&mut room[..length])
    }
}

const ANY: Expectation = Expectation { id: None, control_limit: 1 << 16 };

/// Reads one frame to its end, no matter how often the source would block.
fn receive(inbox: &mut Inbox, source: &mut impl Read, out: &mut [u64]) -> Result<(), FrameError> {
    while !inbox.receive(source, ANY, out)? {}
    Ok(())
}

/// All bytes of a frame, including its limbs.
fn whole_frame(id: u64, reply: &WorkReply, limbs: &[u64]) -> Vec<u8> {
    let mut bytes = encode(id, reply, limbs);
    bytes.extend(limbs.iter().flat_map(|limb| limb.to_le_bytes()));
    bytes
}

fn done(failures: Vec<(usize, String)>) -> WorkReply {
    WorkReply::Done { failures, start_ns: 1, end_ns: u64::MAX, cpu: None }
}

proptest! {
    #[test]
    fn anything_is_refused_or_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        begins_well in any::<bool>(),
    ) {
        let mut all = if begins_well { whole_frame(1, &WorkReply::Ready, &[]) } else { vec![] };
        let valid = all.len();
        all.extend(&bytes);
        let mut inbox = Inbox::default();
        let mut source = &all[..];
        if begins_well {
            receive(&mut inbox, &mut source, &mut [0; 4]).unwrap();
            prop_assert_eq!(source.len(), all.len() - valid, "read beyond the frame");
        }
        prop_assert!(receive(&mut inbox, &mut source, &mut [0; 4]).is_err());
    }

    #[test]
    fn frames_arrive_in_pieces_of_any_length(
        frames in prop::collection::vec(
            (any::<u64>(), prop::collection::vec((any::<usize>(), ".{0,40}"), 0..4),
             prop::collection::vec(any::<u64>(), 0..50)), 1..5),
        lengths in prop::collection::vec(0usize..40, 1..20),
    ) {
        let bytes = frames
            .iter()
            .flat_map(|(id, texts, limbs)| whole_frame(*id, &done(texts.clone()), limbs));
        let mut source = Pieces { bytes: bytes.collect(), lengths, next: 0, blocked: false };
        let mut inbox = Inbox::default();
        for (id, texts, limbs) in &frames {
            let mut out = vec![0; limbs.len()];
            receive(&mut inbox, &mut source, &mut out).unwrap();
            prop_assert_eq!((inbox.id(), inbox.has_limbs()), (*id, !limbs.is_empty()));
            prop_assert_eq!(&out, limbs);
            let WorkReply::Done { failures, .. } = inbox.message().unwrap() else {
                panic!("the message changed its kind")
            };
            prop_assert_eq!(&failures, texts);
        }
        prop_assert!(matches!(receive(&mut inbox, &mut source, &mut []), Err(FrameError::Closed)));
    }

    #[test]
    fn a_frame_with_a_flipped_bit_is_refused(
        limbs in prop::collection::vec(any::<u64>(), 0..20),
        place in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut bytes = whole_frame(7, &done(vec![(3, "boom".into())]), &limbs);
        let place = place.index(bytes.len());
        bytes[place] ^= 1u8 << bit;
        let mut out = vec![0; limbs.len()];
        prop_assert!(receive(&mut Inbox::default(), &mut &bytes[..], &mut out).is_err());
    }

    #[test]
    fn a_frame_without_its_end_is_truncated(
        limbs in prop::collection::vec(any::<u64>(), 0..20),
        place in any::<prop::sample::Index>(),
    ) {
        let bytes = whole_frame(7, &WorkReply::Ready, &limbs);
        let cut = place.index(bytes.len());
        let mut out = vec![0; limbs.len()];
        let received = receive(&mut Inbox::default(), &mut &bytes[..cut], &mut out);
        match cut {
            0 => prop_assert!(matches!(received, Err(FrameError::Closed))),
            _ => prop_assert!(matches!(received, Err(FrameError::Truncated))),
        }
    }

    #[test]
    fn indices_arrive_unchanged(wanted in prop_oneof![
        prop::collection::vec(any::<u64>(), 0..50),
        (any::<u64>(), any::<u64>(), 0u64..50).prop_map(|(first, step, count)| {
            (0..count).map(|i| first.wrapping_add(i.wrapping_mul(step))).collect()
        }),
    ]) {
        let kernel = KernelName { name: "iterative".into(), form: SentForm::Binary };
        let indices = Indices::from(&wanted[..]);
        let request = WorkRequest::Compute { kernel, indices, attempt: 1, segment: None };
        let bytes = encode(1, &request, &[]);
        let mut inbox = Inbox::default();
        receive(&mut inbox, &mut &bytes[..], &mut []).unwrap();
        let WorkRequest::Compute { indices, .. } = inbox.message().unwrap() else {
            panic!("the message changed its kind")
        };
        prop_assert_eq!(Vec::from(indices), wanted);
    }
}

#[test]
fn an_unexpected_frame_is_refused_at_its_head() {
    let refuse = |expected, out: &mut [u64]| {
        let bytes = whole_frame(7, &done(vec![(0, "x".repeat(100))]), &[1, 2, 3]);
        let head = &bytes[..32]; // the inbox needs no more bytes to refuse the frame
        Inbox::default().receive(&mut &head[..], expected, out).unwrap_err()
    };
    assert!(matches!(
        refuse(Expectation { id: Some(8), control_limit: 1000 }, &mut [0; 3]),
        FrameError::Id { received: 7, expected: 8 }
    ));
    let length = refuse(Expectation { id: Some(7), control_limit: 50 }, &mut [0; 3]);
    assert!(matches!(length, FrameError::Length { limbs: 3, .. }), "{length}");
    let length = refuse(Expectation { id: Some(7), control_limit: 1000 }, &mut [0; 2]);
    assert!(matches!(length, FrameError::Length { limbs: 3, .. }), "{length}");
    let mut other = whole_frame(7, &WorkReply::Ready, &[]);
    other[4] = 9;
    let refused = Inbox::default().receive(&mut &other[..], ANY, &mut []).unwrap_err();
    assert!(matches!(refused, FrameError::Version(9)));
}

/// The inbox does not allocate memory for control bytes that a head announces but that never
/// arrive.
#[test]
fn announced_control_bytes_are_not_allocated() {
    let mut inbox = Inbox::default();
    let mut bytes = encode(1, &WorkReply::Refused("x".repeat(30 << 20)), &[]);
    bytes.truncate(100);
    let expected = Expectation { id: None, control_limit: 64 << 20 };
    assert!(matches!(
        inbox.receive(&mut &bytes[..], expected, &mut []),
        Err(FrameError::Truncated)
    ));
    assert!(inbox.capacity() <= 128 << 10);
}
