//! The connection between the pool and a worker: requests and descriptors go to the worker over a
//! socket, and replies come back through a pipe.
//!
//! Replies do not use the socket. A socket tells its writer when there is room again, so each reply
//! that the pool read would needlessly wake the worker, which waits for a request at its end of the
//! socket.

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

/// Bytes that wait to be sent. The descriptors go with the first byte.
struct Parcel {
    bytes: Vec<u8>,
    /// The number of bytes that are sent.
    sent: usize,
    descriptors: Vec<OwnedFd>,
}

/// A worker without work stays awake for this long, and offers its CPU to other threads meanwhile.
/// If the worker slept at once, its CPU would sleep too, and waking the worker would cost the pool
/// more time than sending the next request. Staying awake raised the speedup from 0.40 to 0.44 of
/// the ceiling in `fib compare --scenario 10000xF100 --backend process --pin`.
const SPIN_TIME: Duration = Duration::from_micros(40);

/// The most descriptors that go with one frame.
const MOST_DESCRIPTORS: usize = 2;

/// The bytes that a non-blocking socket has not taken yet.
#[derive(Default)]
pub(crate) struct Outbox(VecDeque<Parcel>);

impl Outbox {
    /// Adds a frame. Where possible, frames are sent together: the first frame that arrives wakes
    /// the worker, and the worker may take this CPU before the pool has sent the next frame.
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
    /// If the worker has closed its end.
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
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)); // they fit
            #[cfg(target_os = "linux")] // `UnixStream::write` sets this flag as well
            let flags = SendFlags::NOSIGNAL;
            #[cfg(not(target_os = "linux"))]
            let flags = SendFlags::empty();
            sendmsg(socket, &[IoSlice::new(rest)], &mut ancillary, flags)?
        };
        self.descriptors.clear(); // the system has sent them with the first byte
        Ok(())
    }
}

/// The worker's end of the socket. It keeps the descriptors that arrive, and rings the bell of the
/// pool before it waits for a request.
///
/// The bell is a pipe that all workers of a pool share; a byte in the pipe wakes the pool. The pool
/// sleeps while its workers have work, even if replies have arrived: if every reply woke the pool,
/// the pool would take a CPU from a worker each time. A worker also rings the bell for a reply that
/// is too long for its pipe, so that the pool reads the reply while the worker writes it.
pub(crate) struct WorkerSocket {
    socket: UnixStream,
    /// Descriptors that have arrived and that nobody has taken yet.
    descriptors: VecDeque<OwnedFd>,
    bell: Option<PipeWriter>,
}

impl WorkerSocket {
    pub(crate) fn new(socket: UnixStream) -> Self {
        WorkerSocket { socket, descriptors: VecDeque::new(), bell: None }
    }

    /// Takes the descriptor that arrived first; `None` if there is none.
    pub(crate) fn take_descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }

    /// Sets the bell. Without a bell, ringing does nothing.
    pub(crate) fn set_bell(&mut self, pipe: OwnedFd) {
        self.bell = Some(pipe.into());
    }

    /// Wakes the pool.
    pub(crate) fn ring_bell(&mut self) {
        if let Some(bell) = &mut self.bell {
            let _ = bell.write(&[0]); // fails only if the pool has ended
        }
    }

    fn receive(&mut self, room: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
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

impl Read for WorkerSocket {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut idle_since = None;
        loop {
            match self.receive(room, RecvFlags::DONTWAIT) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                received => return received,
            }
            let start = idle_since.get_or_insert_with(|| {
                self.ring_bell();
                Instant::now()
            });
            if start.elapsed() > SPIN_TIME {
                return self.receive(room, RecvFlags::empty());
            }
            thread::yield_now();
        }
    }
}

/// Sends a whole frame: its head and control bytes in `frame`, then its limbs.
pub(crate) fn send_all(sink: &mut impl Write, frame: &[u8], limbs: &[u8]) -> io::Result<()> {
    let mut sent = 0;
    while sent < frame.len() {
        let parts = [IoSlice::new(&frame[sent..]), IoSlice::new(limbs)];
        match sink.write_vectored(&parts) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    sink.write_all(&limbs[sent - frame.len()..])
}
