//! Any bytes may arrive on a pipe. The inbox must refuse them or read them, and must not allocate
//! memory just because a head announces a length. Each input is read twice: as it is, and as the
//! control bytes of a valid frame.
#![no_main]

use fib_process::frame::{Expectation, HEAD, Inbox, seal};
use fib_process::message::{MOST_INDICES, WorkReply, WorkRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    read(input);
    let mut frame = [&[0; HEAD], input].concat();
    seal(1, &mut frame, &[]);
    assert!(read(&frame) > 0, "a valid frame was refused");
});

/// Reads as many frames as it can and returns their number.
fn read(mut source: &[u8]) -> usize {
    let expectation = Expectation { id: None, control_limit: 1 << 20 };
    let (mut inbox, mut out, mut frames) = (Inbox::default(), [0; 16], 0);
    let length = source.len();
    while let Ok(true) = inbox.receive(&mut source, expectation, &mut out) {
        frames += 1;
        if let Ok(WorkRequest::Compute { indices, .. }) = inbox.message() {
            assert!(Vec::<u64>::from(indices).len() <= MOST_INDICES);
        }
        let _ = inbox.message::<WorkReply>();
    }
    assert!(inbox.capacity() <= 2 * length + (128 << 10));
    frames
}
