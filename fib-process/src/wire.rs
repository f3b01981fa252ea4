//! What connects pool and worker: requests and descriptors go there on a socket, answers come back
//! through a pipe.
//!
//! Not both on one socket: reading an answer would wake the worker that waits on its end for a
//! request, for nothing, since a socket tells it that there is room to write again.

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, PipeWriter, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that wait to be sent; a descriptor goes with the first byte of its frame.
struct Parcel {
    bytes: Vec<u8>,
    sent: usize,
    descriptors: Vec<OwnedFd>,
}

/// A worker out of work stays awake for this long: to wake it on a CPU that sleeps costs the pool more
/// than the pool needs to send the next request, and the CPU is offered to others meanwhile. In
/// `fib compare --scenario 10000xF100 --backend process --pin` the part of the ceiling went from
/// 0.40 to 0.44.
const SPIN: Duration = Duration::from_micros(40);

/// The most descriptors that go with one frame.
const DESCRIPTORS: usize = 2;

/// What is still to be sent on a socket that does not block.
#[derive(Default)]
pub(crate) struct Outbox(VecDeque<Parcel>);

impl Outbox {
    /// Frames that can go together do: the first one that arrives wakes the worker, which may take
    /// this CPU at once.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, descriptors: Vec<OwnedFd>) {
        match self.0.back_mut() {
            Some(last) if descriptors.is_empty() => last.bytes.extend_from_slice(&bytes),
            _ => self.0.push_back(Parcel { bytes, sent: 0, descriptors }),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends as much as the socket takes now.
    ///
    /// # Errors
    /// If the other side is gone.
    pub(crate) fn flush(&mut self, socket: &UnixStream) -> io::Result<()> {
        while let Some(parcel) = self.0.front_mut() {
            match parcel.send(socket) {
                Ok(()) if parcel.sent == parcel.bytes.len() => drop(self.0.pop_front()),
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Parcel {
    fn send(&mut self, mut socket: &UnixStream) -> io::Result<()> {
        let rest = &self.bytes[self.sent..];
        self.sent += if self.descriptors.is_empty() {
            socket.write(rest)?
        } else {
            let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)); // there is room
            #[cfg(target_os = "linux")] // as `write` does on a socket
            let flags = SendFlags::NOSIGNAL;
            #[cfg(not(target_os = "linux"))]
            let flags = SendFlags::empty();
            sendmsg(socket, &[IoSlice::new(rest)], &mut ancillary, flags)?
        };
        self.descriptors.clear(); // on their way, with the first byte
        Ok(())
    }
}

/// A worker's end of the socket. It keeps the descriptors that arrive, and rings the pool's bell
/// before it waits for more work.
///
/// The pool sleeps while its workers have work, even if answers have come: to be woken for each of
/// them would take a CPU from a worker each time. The bell is a pipe that all workers share. It is
/// also rung for an answer that is too long for the pipe, so that the pool reads on meanwhile.
pub(crate) struct Receiving {
    socket: UnixStream,
    /// Descriptors that came and were not asked for yet.
    descriptors: VecDeque<OwnedFd>,
    bell: Option<PipeWriter>,
}

impl Receiving {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Receiving { socket, descriptors: VecDeque::new(), bell: None }
    }

    /// The first descriptor that was not asked for yet.
    pub(crate) fn descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }

    /// From now on this is the bell.
    pub(crate) fn hang_up_bell(&mut self, pipe: OwnedFd) {
        self.bell = Some(pipe.into());
    }

    /// Wakes the pool.
    pub(crate) fn ring(&mut self) {
        if let Some(bell) = &mut self.bell {
            let _ = bell.write(&[0]); // refused only if the pool is gone
        }
    }

    fn receive(&mut self, room: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        #[cfg(target_os = "linux")]
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let mut rooms = [IoSliceMut::new(room)];
        let received = recvmsg(&self.socket, &mut rooms, &mut ancillary, flags)?;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                for descriptor in descriptors {
                    #[cfg(not(target_os = "linux"))]
                    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
                    self.descriptors.push_back(descriptor);
                }
            }
        }
        Ok(received.bytes)
    }
}

impl Read for Receiving {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut out_of_work = None;
        loop {
            match self.receive(room, RecvFlags::DONTWAIT) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                received => return received,
            }
            let since = out_of_work.get_or_insert_with(|| {
                self.ring();
                Instant::now()
            });
            if since.elapsed() > SPIN {
                return self.receive(room, RecvFlags::empty());
            }
            thread::yield_now();
        }
    }
}

/// Sends all of a frame.
pub(crate) fn send_all(to: &mut impl Write, frame: &[u8], limbs: &[u8]) -> io::Result<()> {
    let mut sent = 0;
    while sent < frame.len() {
        let parts = [IoSlice::new(&frame[sent..]), IoSlice::new(limbs)];
        match to.write_vectored(&parts) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    to.write_all(&limbs[sent - frame.len()..])
}
