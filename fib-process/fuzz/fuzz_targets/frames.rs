//! Anything may arrive on a pipe: it is refused or read, and nothing is allocated because a length
//! says so. First the input as it is, then as the message of a frame that is in order.
#![no_main]

use fib_process::frame::{Expected, HEAD, Inbox, seal};
use fib_process::message::{Answer, MOST_INDICES, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    read(input);
    let mut frame = [&[0; HEAD], input].concat();
    seal(1, &mut frame, &[]);
    assert!(read(&frame) > 0, "a frame in order was refused");
});

/// How many frames there were.
fn read(mut source: &[u8]) -> usize {
    let expected = Expected { id: None, control: 1 << 20 };
    let (mut inbox, mut out, mut frames) = (Inbox::default(), [0; 16], 0);
    let length = source.len();
    while let Ok(true) = inbox.receive(&mut source, expected, &mut out) {
        frames += 1;
        if let Ok(Request::Compute { indices, .. }) = inbox.message() {
            assert!(Vec::<u64>::from(indices).len() <= MOST_INDICES);
        }
        let _ = inbox.message::<Answer>();
    }
    assert!(inbox.capacity() <= 2 * length + (128 << 10));
    frames
}
