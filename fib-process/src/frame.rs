//! Frames: what travels between pool and worker.
//!
//! ```text
//! magic 4 | version 2 | reserved 2 | id 8 | control bytes 4 | limbs 8 | checksum 4 | control | limbs
//! ```
//!
//! All numbers are little-endian. The checksum is the CRC-32 of everything else. The receiver says
//! beforehand what it can take, so a length from the other side is never allocated by: control
//! bytes grow with what arrives, and limbs go where they belong.

use crc32fast::Hasher;
use serde::Serialize;
use serde::de::Deserialize;
use std::io::{self, ErrorKind, Read};

/// Of the protocol: frames and messages together.
pub const VERSION: u16 = 1;

/// Bytes before the control bytes.
pub const HEAD: usize = 32;

const MAGIC: [u8; 4] = *b"FiBp";
const CHECKSUM_AT: usize = HEAD - 4;

/// Control bytes are read in steps of at most this many.
const STEP: usize = 64 << 10;

/// Why what arrived is no frame, or none that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The other side hung up between frames.
    #[error("it hung up")]
    Closed,
    /// The other side hung up inside a frame.
    #[error("it hung up in the middle of a frame")]
    Truncated,
    /// These bytes do not begin a frame.
    #[error("it sent garbage")]
    Magic,
    /// A frame of another protocol.
    #[error("it speaks version {0} of the protocol, not {VERSION}")]
    Version(u16),
    /// Nobody asked for this frame.
    #[error("it answered request {got} instead of {wanted}")]
    Id {
        /// The frame's number.
        got: u64,
        /// The number of the request that is to be answered.
        wanted: u64,
    },
    /// More than the receiver can take.
    #[error("it announced {control} bytes and {limbs} limbs, which is not what was asked for")]
    Length {
        /// Control bytes.
        control: u32,
        /// Limbs.
        limbs: u64,
    },
    /// Something was changed on the way.
    #[error("the checksum of its frame is wrong")]
    Checksum,
    /// The control bytes are no message.
    #[error("it sent an unreadable message")]
    Message,
    /// The system's refusal.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a receiver can take.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The number of the frame, if that is known.
    pub id: Option<u64>,
    /// The most control bytes.
    pub control: usize,
}

/// Head and control bytes of a frame; its limbs, if any, follow as they are.
///
/// # Panics
/// If the message is longer than 4 GiB.
#[expect(clippy::expect_used, reason = "messages are plain data")]
pub fn encode(id: u64, message: &impl Serialize, limbs: &[u64]) -> Vec<u8> {
    let mut frame = postcard::to_extend(message, vec![0; HEAD]).expect("plain data");
    seal(id, &mut frame, limbs);
    frame
}

/// Writes the head of a frame whose control bytes stand behind [`HEAD`] others.
///
/// # Panics
/// If the control bytes are more than 4 GiB.
#[expect(clippy::expect_used, reason = "messages are bounded by `MOST_INDICES`")]
pub fn seal(id: u64, frame: &mut [u8], limbs: &[u64]) {
    let control = u32::try_from(frame.len() - HEAD).expect("less than 4 GiB");
    frame[..4].copy_from_slice(&MAGIC);
    frame[4..6].copy_from_slice(&VERSION.to_le_bytes());
    frame[8..16].copy_from_slice(&id.to_le_bytes());
    frame[16..20].copy_from_slice(&control.to_le_bytes());
    frame[20..28].copy_from_slice(&(limbs.len() as u64).to_le_bytes());
    let mut checksum = Hasher::new();
    checksum.update(&frame[..CHECKSUM_AT]);
    checksum.update(&frame[HEAD..]);
    checksum.update(bytemuck::cast_slice(limbs));
    frame[CHECKSUM_AT..HEAD].copy_from_slice(&checksum.finalize().to_le_bytes());
}

/// Limbs as they travel, in place; changes nothing on little-endian machines.
pub fn to_wire(limbs: &mut [u64]) {
    limbs.iter_mut().for_each(|limb| *limb = limb.to_le());
}

/// Receives frames piece by piece, as they arrive.
#[derive(Debug)]
pub struct Inbox {
    head: [u8; HEAD],
    control: Vec<u8>,
    /// Bytes of the present frame so far.
    got: usize,
    checksum: Hasher,
}

impl Default for Inbox {
    fn default() -> Self {
        Inbox { head: [0; HEAD], control: vec![], got: 0, checksum: Hasher::new() }
    }
}

impl Inbox {
    /// Reads on. True: a frame is complete, and [`message`](Self::message) gives its control bytes.
    /// False: the source would block.
    ///
    /// Limbs, if the frame has any, fill `out`, which must be the same for all calls that belong to
    /// one frame; after an error its contents are unspecified.
    ///
    /// # Errors
    /// As soon as the frame cannot be what is expected; the inbox is of no use afterwards.
    pub fn receive(
        &mut self,
        source: &mut impl Read,
        expected: Expected,
        out: &mut [u64],
    ) -> Result<bool, FrameError> {
        while self.got < HEAD {
            let Some(bytes) = read(source, &mut self.head[self.got..], self.got > 0)? else {
                return Ok(false);
            };
            self.got += bytes;
            if self.got == HEAD {
                self.begin(expected, out.len())?;
            }
        }
        let (control, limbs) = self.lengths();
        while self.got < HEAD + control {
            let at = self.got - HEAD;
            self.control.resize(control.min(at + STEP), 0);
            let Some(bytes) = read(source, &mut self.control[at..], true)? else {
                return Ok(false);
            };
            self.checksum.update(&self.control[at..at + bytes]);
            self.got += bytes;
        }
        let out: &mut [u8] = bytemuck::cast_slice_mut(&mut out[..limbs]);
        while self.got < HEAD + control + out.len() {
            let at = self.got - HEAD - control;
            let Some(bytes) = read(source, &mut out[at..], true)? else {
                return Ok(false);
            };
            self.checksum.update(&out[at..at + bytes]);
            self.got += bytes;
        }
        self.finish()?;
        out.chunks_exact_mut(8).for_each(|limb| {
            if cfg!(target_endian = "big") {
                limb.reverse();
            }
        });
        Ok(true)
    }

    /// Judges the head and makes room for what follows.
    fn begin(&mut self, expected: Expected, room: usize) -> Result<(), FrameError> {
        let version = u16::from_le_bytes([self.head[4], self.head[5]]);
        let got = self.id();
        let (control, limbs) = (self.number(16, 4) as u32, self.number(20, 8));
        if self.head[..4] != MAGIC {
            return Err(FrameError::Magic);
        }
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if let Some(wanted) = expected.id
            && got != wanted
        {
            return Err(FrameError::Id { got, wanted });
        }
        if control as usize > expected.control || (limbs != 0 && limbs != room as u64) {
            return Err(FrameError::Length { control, limbs });
        }
        self.control.clear();
        self.checksum = Hasher::new();
        self.checksum.update(&self.head[..CHECKSUM_AT]);
        Ok(())
    }

    /// Makes ready for the next frame.
    fn finish(&mut self) -> Result<(), FrameError> {
        self.got = 0;
        let right = u64::from(self.checksum.clone().finalize()) == self.number(CHECKSUM_AT, 4);
        if right { Ok(()) } else { Err(FrameError::Checksum) }
    }

    /// The message of the last complete frame.
    ///
    /// # Errors
    /// [`FrameError::Message`] if it is none.
    pub fn message<'a, M: Deserialize<'a>>(&'a self) -> Result<M, FrameError> {
        match postcard::take_from_bytes(&self.control) {
            Ok((message, [])) => Ok(message),
            _ => Err(FrameError::Message),
        }
    }

    /// The number of the last complete frame.
    pub fn id(&self) -> u64 {
        self.number(8, 8)
    }

    /// Whether part of a frame was received.
    pub fn is_inside_a_frame(&self) -> bool {
        self.got > 0
    }

    /// Bytes allocated for control bytes.
    pub fn capacity(&self) -> usize {
        self.control.capacity()
    }

    /// Whether limbs came with the last complete frame.
    pub fn has_limbs(&self) -> bool {
        self.lengths().1 > 0
    }

    /// Control bytes and limbs that the head announces, which `begin` has judged.
    fn lengths(&self) -> (usize, usize) {
        (self.number(16, 4) as usize, self.number(20, 8) as usize)
    }

    /// The little-endian number of `len` bytes at `at` in the head.
    fn number(&self, at: usize, len: usize) -> u64 {
        self.head[at..at + len].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }
}

/// Some bytes; `None` if the source would block.
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
