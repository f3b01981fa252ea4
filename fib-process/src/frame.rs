//! Frames: the form in which the pool and its workers send each other messages.
//!
//! ```text
//! head: magic 4 | version 2 | reserved 2 | id 8 | control bytes 4 | limbs 8 | checksum 4
//! then: control bytes | limbs
//! ```
//!
//! The number after each field of the head is its size in bytes. The fields `control bytes` and
//! `limbs` say how many control bytes and limbs follow the head. All numbers are little-endian. The
//! checksum is the CRC-32 of all other bytes of the frame.
//!
//! The receiver says beforehand how much it accepts, so no length from the other side decides how
//! much memory is allocated: the buffer for control bytes grows with the bytes that arrive, and
//! limbs are read directly into the slots that they belong to.

use crc32fast::Hasher;
use serde::Serialize;
use serde::de::Deserialize;
use std::io::{self, ErrorKind, Read};

/// The version of the protocol, which covers frames and messages.
pub const VERSION: u16 = 1;

/// The length of the head, in bytes. The control bytes follow the head.
pub const HEAD: usize = 32;

const MAGIC: [u8; 4] = *b"FiBp";
const CHECKSUM_START: usize = HEAD - 4;

/// The buffer for control bytes grows by at most this many bytes before the next read.
const CONTROL_STEP: usize = 64 << 10;

/// Why the bytes that arrived are not the frame that the receiver expects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The other side closed the connection between two frames.
    #[error("connection closed")]
    Closed,
    /// The other side closed the connection inside a frame.
    #[error("connection closed in the middle of a frame")]
    Truncated,
    /// The bytes do not begin a frame.
    #[error("received garbage instead of a frame")]
    Magic,
    /// The frame belongs to another version of the protocol.
    #[error("received protocol version {0} instead of {VERSION}")]
    Version(u16),
    /// The frame is not the reply to the request that is due.
    #[error("received a reply to request {received} instead of request {expected}")]
    Id {
        /// The number of the frame.
        received: u64,
        /// The number of the request that is due.
        expected: u64,
    },
    /// The frame has a size that the receiver does not accept.
    #[error("received a frame of the wrong size: {control} control bytes and {limbs} limbs")]
    Length {
        /// The number of control bytes that the head announces.
        control: u32,
        /// The number of limbs that the head announces.
        limbs: u64,
    },
    /// The bytes of the frame were changed on the way.
    #[error("received a frame with a wrong checksum")]
    Checksum,
    /// The control bytes are not a message that the receiver can use.
    #[error("received an invalid message")]
    Message,
    /// The system reported an error.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The frame that a receiver accepts.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    /// The number of the frame; `None` accepts every number.
    pub id: Option<u64>,
    /// The most control bytes.
    pub control_limit: usize,
}

/// Encodes the head and the control bytes of a frame. The sender sends the limbs, if there are any,
/// right after these bytes.
///
/// # Panics
/// If the message is longer than 4 GiB.
#[expect(clippy::expect_used, reason = "messages are plain data")]
pub fn encode(id: u64, message: &impl Serialize, limbs: &[u64]) -> Vec<u8> {
    let mut frame = postcard::to_extend(message, vec![0; HEAD]).expect("plain data");
    seal(id, &mut frame, limbs);
    frame
}

/// Writes the head of a frame into its first [`HEAD`] bytes. The other bytes of `frame` are the
/// control bytes.
///
/// # Panics
/// If there are more than 4 GiB of control bytes.
#[expect(clippy::expect_used, reason = "messages are bounded by `MOST_INDICES`")]
pub fn seal(id: u64, frame: &mut [u8], limbs: &[u64]) {
    let control = u32::try_from(frame.len() - HEAD).expect("less than 4 GiB");
    frame[..4].copy_from_slice(&MAGIC);
    frame[4..6].copy_from_slice(&VERSION.to_le_bytes());
    frame[8..16].copy_from_slice(&id.to_le_bytes());
    frame[16..20].copy_from_slice(&control.to_le_bytes());
    frame[20..28].copy_from_slice(&(limbs.len() as u64).to_le_bytes());
    let mut checksum = Hasher::new();
    checksum.update(&frame[..CHECKSUM_START]);
    checksum.update(&frame[HEAD..]);
    checksum.update(bytemuck::cast_slice(limbs));
    frame[CHECKSUM_START..HEAD].copy_from_slice(&checksum.finalize().to_le_bytes());
}

/// Makes limbs little-endian, as frames carry them. On little-endian machines this changes nothing.
pub fn make_little_endian(limbs: &mut [u64]) {
    limbs.iter_mut().for_each(|limb| *limb = limb.to_le());
}

/// Receives frames piece by piece, as their bytes arrive.
#[derive(Debug)]
pub struct Inbox {
    head: [u8; HEAD],
    control: Vec<u8>,
    /// The number of bytes of the current frame that have arrived.
    received: usize,
    checksum: Hasher,
}

impl Default for Inbox {
    fn default() -> Self {
        Inbox { head: [0; HEAD], control: vec![], received: 0, checksum: Hasher::new() }
    }
}

impl Inbox {
    /// Reads the bytes that are there. Returns true when a frame is complete: then
    /// [`message`](Self::message) decodes its control bytes. Returns false when the source would
    /// block.
    ///
    /// If the frame has limbs, they fill `out`. All calls that belong to one frame must pass the
    /// same `out`. After an error, the contents of `out` are unspecified.
    ///
    /// # Errors
    /// As soon as the frame turns out not to be the expected frame. The inbox is of no use after an
    /// error.
    pub fn receive(
        &mut self,
        source: &mut impl Read,
        expectation: Expectation,
        out: &mut [u64],
    ) -> Result<bool, FrameError> {
        while self.received < HEAD {
            let (room, inside) = (&mut self.head[self.received..], self.received > 0);
            let Some(bytes) = read(source, room, inside)? else {
                return Ok(false);
            };
            self.received += bytes;
            if self.received == HEAD {
                self.check_head(expectation, out.len())?;
            }
        }
        let (control, limbs) = self.lengths();
        while self.received < HEAD + control {
            let start = self.received - HEAD;
            self.control.resize(control.min(start + CONTROL_STEP), 0);
            let Some(bytes) = read(source, &mut self.control[start..], true)? else {
                return Ok(false);
            };
            self.checksum.update(&self.control[start..start + bytes]);
            self.received += bytes;
        }
        let out: &mut [u8] = bytemuck::cast_slice_mut(&mut out[..limbs]);
        while self.received < HEAD + control + out.len() {
            let start = self.received - HEAD - control;
            let Some(bytes) = read(source, &mut out[start..], true)? else {
                return Ok(false);
            };
            self.checksum.update(&out[start..start + bytes]);
            self.received += bytes;
        }
        self.finish()?;
        out.chunks_exact_mut(8).for_each(|limb| {
            if cfg!(target_endian = "big") {
                limb.reverse();
            }
        });
        Ok(true)
    }

    /// Checks the head and prepares the inbox for the rest of the frame.
    fn check_head(&mut self, expectation: Expectation, room: usize) -> Result<(), FrameError> {
        let version = u16::from_le_bytes([self.head[4], self.head[5]]);
        let received = self.id();
        let (control, limbs) = (self.head_number(16, 4) as u32, self.head_number(20, 8));
        if self.head[..4] != MAGIC {
            return Err(FrameError::Magic);
        }
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if let Some(expected) = expectation.id
            && received != expected
        {
            return Err(FrameError::Id { received, expected });
        }
        if control as usize > expectation.control_limit || (limbs != 0 && limbs != room as u64) {
            return Err(FrameError::Length { control, limbs });
        }
        self.control.clear();
        self.checksum = Hasher::new();
        self.checksum.update(&self.head[..CHECKSUM_START]);
        Ok(())
    }

    /// Checks the checksum and prepares the inbox for the next frame.
    fn finish(&mut self) -> Result<(), FrameError> {
        self.received = 0;
        let right =
            u64::from(self.checksum.clone().finalize()) == self.head_number(CHECKSUM_START, 4);
        if right { Ok(()) } else { Err(FrameError::Checksum) }
    }

    /// Decodes the message of the last complete frame.
    ///
    /// # Errors
    /// [`FrameError::Message`] if the control bytes are not a message of this type.
    pub fn message<'a, M: Deserialize<'a>>(&'a self) -> Result<M, FrameError> {
        match postcard::take_from_bytes(&self.control) {
            Ok((message, [])) => Ok(message),
            _ => Err(FrameError::Message),
        }
    }

    /// The number of the last complete frame.
    pub fn id(&self) -> u64 {
        self.head_number(8, 8)
    }

    /// Whether part of a frame has arrived, but not all of it.
    pub fn is_inside_a_frame(&self) -> bool {
        self.received > 0
    }

    /// The number of bytes that are allocated for control bytes.
    pub fn capacity(&self) -> usize {
        self.control.capacity()
    }

    /// Whether the last complete frame had limbs.
    pub fn has_limbs(&self) -> bool {
        self.lengths().1 > 0
    }

    /// The numbers of control bytes and of limbs that the head announces. `check_head` has checked
    /// both.
    fn lengths(&self) -> (usize, usize) {
        (self.head_number(16, 4) as usize, self.head_number(20, 8) as usize)
    }

    /// The little-endian number in `len` bytes of the head, from byte `start` on.
    fn head_number(&self, start: usize, len: usize) -> u64 {
        self.head[start..start + len].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }
}

/// Reads some bytes and returns how many; `None` if the source would block. `inside` says whether
/// part of a frame has arrived already, which makes the end of the source an error of its own kind.
fn read(
    source: &mut impl Read,
    room: &mut [u8],
    inside: bool,
) -> Result<Option<usize>, FrameError> {
    loop {
        return match source.read(room) {
            Ok(0) if inside => Err(FrameError::Truncated),
            Ok(0) => Err(FrameError::Closed),
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && inside => {
                Err(FrameError::Truncated)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(FrameError::Closed),
            Err(error) => Err(error.into()),
        };
    }
}
