//! The wire to vsmartcard's reader driver: a two-byte length, then a control byte or an APDU.
//! Holds no card. `vpicc` 0.1 speaks it too, but has neither quick acknowledgements nor a socket to shut down.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::time::Duration;

/// What the reader asks of the card.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    PowerOff,
    PowerOn,
    Reset,
    GetAtr,
    Apdu(Vec<u8>),
}

/// Answer to reset: T=1. The same as `vpicc`'s, with which the third-party tools are known to work.
pub(crate) const ATR: [u8; 11] = [0x3B, 0x95, 0x13, 0x81, 0x01, 0x80, 0x73, 0xFF, 0x01, 0x00, 0x0B];

/// A card's side of one reader slot.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
}

impl Link {
    /// Connects to the driver's port on this machine: to the reader, a card goes in.
    ///
    /// # Errors
    /// The reader does not listen.
    pub(crate) fn connect(port: u16, timeout: Duration) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// A second handle, to shut the link down from another thread.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub(crate) fn handle(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Waits for the reader's next message.
    ///
    /// # Errors
    /// The reader is gone, or says what no reader says.
    pub(crate) fn read(&mut self) -> io::Result<Message> {
        // The driver sends length and body as two packets: without quick acknowledgements, which the kernel forgets
        // after each use, the second waits 40 ms for the first's.
        self.stream.set_quickack(true)?;
        let mut length = [0; 2];
        self.stream.read_exact(&mut length)?;
        self.stream.set_quickack(true)?;
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut body)?;
        match body.as_slice() {
            [0] => Ok(Message::PowerOff),
            [1] => Ok(Message::PowerOn),
            [2] => Ok(Message::Reset),
            [4] => Ok(Message::GetAtr),
            [] | [_] => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("no such control message: {body:02x?}")))
            }
            _ => Ok(Message::Apdu(body)),
        }
    }

    /// Sends the ATR or an answer.
    ///
    /// # Errors
    /// The reader is gone.
    pub(crate) fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u16::try_from(body.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "longer than 65535 bytes"))?;
        self.stream.write_all(&[&length.to_be_bytes(), body].concat())
    }
}
