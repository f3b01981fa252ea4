//! Frames against anything that can happen to them. What the fuzz target `frames` does for hours,
//! this does for a second.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use fib_process::frame::{Expected, FrameError, Inbox, encode};
use fib_process::message::{Answer, Indices, Request};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::io::{self, Read};

/// Gives its bytes in pieces of these lengths; 0 means that it would block, once.
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

const ANY: Expected = Expected { id: None, control: 1 << 16 };

/// Reads one frame to its end, however often the source would block.
fn receive(inbox: &mut Inbox, source: &mut impl Read, out: &mut [u64]) -> Result<(), FrameError> {
    while !inbox.receive(source, ANY, out)? {}
    Ok(())
}

fn whole(id: u64, answer: &Answer, limbs: &[u64]) -> Vec<u8> {
    let mut bytes = encode(id, answer, limbs);
    bytes.extend(limbs.iter().flat_map(|limb| limb.to_le_bytes()));
    bytes
}

fn done(failures: Vec<(usize, String)>) -> Answer {
    Answer::Done { failures, start_ns: 1, end_ns: u64::MAX, cpu: None }
}

proptest! {
    #[test]
    fn anything_is_refused_or_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        begins_well in any::<bool>(),
    ) {
        let mut all = if begins_well { whole(1, &Answer::Ready, &[]) } else { vec![] };
        let valid = all.len();
        all.extend(&bytes);
        let mut inbox = Inbox::default();
        let mut source = &all[..];
        if begins_well {
            receive(&mut inbox, &mut source, &mut [0; 4]).unwrap();
            prop_assert_eq!(source.len(), all.len() - valid, "not a byte too many");
        }
        prop_assert!(receive(&mut inbox, &mut source, &mut [0; 4]).is_err());
    }

    #[test]
    fn frames_arrive_however_they_are_cut(
        frames in prop::collection::vec(
            (any::<u64>(), prop::collection::vec((any::<usize>(), ".{0,40}"), 0..4),
             prop::collection::vec(any::<u64>(), 0..50)), 1..5),
        lengths in prop::collection::vec(0usize..40, 1..20),
    ) {
        let bytes = frames.iter().flat_map(|(id, texts, limbs)| whole(*id, &done(texts.clone()), limbs));
        let mut source = Pieces { bytes: bytes.collect(), lengths, next: 0, blocked: false };
        let mut inbox = Inbox::default();
        for (id, texts, limbs) in &frames {
            let mut out = vec![0; limbs.len()];
            receive(&mut inbox, &mut source, &mut out).unwrap();
            prop_assert_eq!((inbox.id(), inbox.has_limbs()), (*id, !limbs.is_empty()));
            prop_assert_eq!(&out, limbs);
            let Answer::Done { failures, .. } = inbox.message().unwrap() else { panic!("another") };
            prop_assert_eq!(&failures, texts);
        }
        prop_assert!(matches!(receive(&mut inbox, &mut source, &mut []), Err(FrameError::Closed)));
    }

    #[test]
    fn no_flipped_bit_gets_through(
        limbs in prop::collection::vec(any::<u64>(), 0..20),
        place in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut bytes = whole(7, &done(vec![(3, "boom".into())]), &limbs);
        let place = place.index(bytes.len());
        bytes[place] ^= 1u8 << bit;
        let mut out = vec![0; limbs.len()];
        prop_assert!(receive(&mut Inbox::default(), &mut &bytes[..], &mut out).is_err());
    }

    #[test]
    fn no_frame_is_complete_before_its_end(
        limbs in prop::collection::vec(any::<u64>(), 0..20),
        place in any::<prop::sample::Index>(),
    ) {
        let bytes = whole(7, &Answer::Ready, &limbs);
        let cut = place.index(bytes.len());
        let mut out = vec![0; limbs.len()];
        let received = receive(&mut Inbox::default(), &mut &bytes[..cut], &mut out);
        match cut {
            0 => prop_assert!(matches!(received, Err(FrameError::Closed))),
            _ => prop_assert!(matches!(received, Err(FrameError::Truncated))),
        }
    }

    #[test]
    fn indices_travel(wanted in prop_oneof![
        prop::collection::vec(any::<u64>(), 0..50),
        (any::<u64>(), any::<u64>(), 0u64..50).prop_map(|(first, step, count)| {
            (0..count).map(|i| first.wrapping_add(i.wrapping_mul(step))).collect()
        }),
    ]) {
        let (kernel, indices) = ("iterative".into(), Indices::from(&wanted[..]));
        let request = Request::Compute { kernel, indices, attempt: 1, segment: None };
        let bytes = encode(1, &request, &[]);
        let mut inbox = Inbox::default();
        receive(&mut inbox, &mut &bytes[..], &mut []).unwrap();
        let Request::Compute { indices, .. } = inbox.message().unwrap() else { panic!("another") };
        prop_assert_eq!(Vec::from(indices), wanted);
    }
}

#[test]
fn what_was_not_asked_for_is_refused_at_its_head() {
    let refuse = |expected, out: &mut [u64]| {
        let bytes = whole(7, &done(vec![(0, "x".repeat(100))]), &[1, 2, 3]);
        let head = &bytes[..32]; // nothing behind it is needed, nor allocated for
        Inbox::default().receive(&mut &head[..], expected, out).unwrap_err()
    };
    assert!(matches!(
        refuse(Expected { id: Some(8), control: 1000 }, &mut [0; 3]),
        FrameError::Id { got: 7, wanted: 8 }
    ));
    let length = refuse(Expected { id: Some(7), control: 50 }, &mut [0; 3]);
    assert!(matches!(length, FrameError::Length { limbs: 3, .. }), "{length}");
    let length = refuse(Expected { id: Some(7), control: 1000 }, &mut [0; 2]);
    assert!(matches!(length, FrameError::Length { limbs: 3, .. }), "{length}");
    let mut other = whole(7, &Answer::Ready, &[]);
    other[4] = 9;
    let refused = Inbox::default().receive(&mut &other[..], ANY, &mut []).unwrap_err();
    assert!(matches!(refused, FrameError::Version(9)));
}

/// A frame that announces many control bytes and brings few is not believed.
#[test]
fn lengths_are_not_allocated_by() {
    let mut inbox = Inbox::default();
    let mut bytes = encode(1, &Answer::Refused("x".repeat(30 << 20)), &[]);
    bytes.truncate(100);
    let expected = Expected { id: None, control: 64 << 20 };
    assert!(matches!(
        inbox.receive(&mut &bytes[..], expected, &mut []),
        Err(FrameError::Truncated)
    ));
    assert!(inbox.capacity() <= 128 << 10);
}
