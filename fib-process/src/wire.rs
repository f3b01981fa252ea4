//! The socket between pool and worker, and the descriptors that travel on it.

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Bytes that wait to be sent; a descriptor goes with the first byte of its frame.
struct Parcel {
    bytes: Vec<u8>,
    sent: usize,
    descriptor: Option<OwnedFd>,
}

/// What is still to be sent on a socket that does not block.
#[derive(Default)]
pub(crate) struct Outbox(VecDeque<Parcel>);

impl Outbox {
    pub(crate) fn push(&mut self, bytes: Vec<u8>, descriptor: Option<OwnedFd>) {
        self.0.push_back(Parcel { bytes, sent: 0, descriptor });
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
        self.sent += match self.descriptor.as_ref() {
            None => socket.write(rest)?,
            Some(descriptor) => {
                let descriptors = [descriptor.as_fd()];
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut ancillary = SendAncillaryBuffer::new(&mut space);
                ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)); // there is room for one
                sendmsg(socket, &[IoSlice::new(rest)], &mut ancillary, SendFlags::empty())?
            }
        };
        self.descriptor = None; // on its way, with the first byte
        Ok(())
    }
}

/// A socket that keeps the descriptors that arrive on it.
pub(crate) struct Receiving<'a> {
    pub(crate) socket: &'a UnixStream,
    pub(crate) descriptors: &'a mut VecDeque<OwnedFd>,
}

impl Read for Receiving<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        #[cfg(target_os = "linux")]
        let flags = RecvFlags::CMSG_CLOEXEC;
        #[cfg(not(target_os = "linux"))]
        let flags = RecvFlags::empty();
        let mut rooms = [IoSliceMut::new(room)];
        let received = recvmsg(self.socket, &mut rooms, &mut ancillary, flags)?;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        Ok(received.bytes)
    }
}

/// Sends all of a frame on a socket that blocks.
pub(crate) fn send_all(mut socket: &UnixStream, frame: &[u8], limbs: &[u8]) -> io::Result<()> {
    let mut sent = 0;
    while sent < frame.len() {
        let parts = [IoSlice::new(&frame[sent..]), IoSlice::new(limbs)];
        match socket.write_vectored(&parts) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    socket.write_all(&limbs[sent - frame.len()..])
}
