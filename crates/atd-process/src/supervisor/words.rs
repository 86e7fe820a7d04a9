//! What passes between a supervisor and who started it.

use std::io::{self, IoSlice, IoSliceMut, PipeReader};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// What a supervisor says of its program, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The program exited with this code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// It was not started; the number of the system's error.
    NotStarted(i32),
}

impl Word {
    pub(crate) const LENGTH: usize = 5;

    pub(crate) fn bytes(self) -> [u8; Self::LENGTH] {
        let (kind, number) = match self {
            Self::Exited(code) => (b'x', code),
            Self::Killed(signal) => (b'k', signal),
            Self::NotStarted(errno) => (b'n', errno),
        };
        let [a, b, c, d] = number.to_be_bytes();
        [kind, a, b, c, d]
    }

    pub(crate) fn read([kind, number @ ..]: [u8; Self::LENGTH]) -> Option<Self> {
        let number = i32::from_be_bytes(number);
        match kind {
            b'x' => Some(Self::Exited(number)),
            b'k' => Some(Self::Killed(number)),
            b'n' => Some(Self::NotStarted(number)),
            _ => None,
        }
    }
}

/// Sends the program's standard input ahead, where it has one.
pub(crate) fn give_stdin(socket: impl AsFd, stdin: Option<&PipeReader>) -> io::Result<()> {
    let descriptors = stdin.map(AsFd::as_fd);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if descriptors.is_some() {
        beside.push(SendAncillaryMessage::ScmRights(descriptors.as_slice()));
    }
    sendmsg(
        socket,
        &[IoSlice::new(b"0")],
        &mut beside,
        SendFlags::empty(),
    )?;
    Ok(())
}

/// The other end of [`give_stdin`].
pub(super) fn take_stdin(socket: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = cloexec();
    recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut beside,
        flags,
    )?;
    let mut descriptors = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    Ok(descriptors
        .next()
        .and_then(|mut descriptors| descriptors.next()))
}

#[cfg(target_os = "linux")]
fn cloexec() -> RecvFlags {
    RecvFlags::CMSG_CLOEXEC
}

/// The program's descriptors are marked again before it starts.
#[cfg(not(target_os = "linux"))]
fn cloexec() -> RecvFlags {
    RecvFlags::empty()
}
