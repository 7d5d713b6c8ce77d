//! ISO 7816-4 around the application: parsing, command chaining, GET RESPONSE, selection.
//! Holds no cryptography and no sockets; what the application lacks for real readers and tools is added here.

use heapless::Vec as Buffer;
use iso7816::command::FromSliceError;
use iso7816::{Command, Instruction, Status};

use crate::chip::Application;

/// Longest joined command and longest response: a 2 KB object with room to spare.
const BUFFER_BYTES: usize = 7609;

/// The first nine bytes of the PIV application identifier (SP 800-73-5 part 1, 2.2), which name it without a version.
const PIV_AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// NIST's registered provider identifier: what yubico-piv-tool selects.
const NIST_RID_BYTES: usize = 5;

/// A status word's two bytes.
pub(crate) fn status(word: u16) -> Vec<u8> {
    word.to_be_bytes().to_vec()
}

/// The state of one powered card between APDUs.
pub(crate) struct Interpreter {
    selected: bool,
    pending_command: Option<Command<BUFFER_BYTES>>,
    response: Buffer<u8, BUFFER_BYTES>,
    sent_bytes: usize,
}

impl Interpreter {
    pub(crate) fn new() -> Self {
        Self { selected: false, pending_command: None, response: Buffer::new(), sent_bytes: 0 }
    }

    /// Answers one APDU of the wire with data and status word.
    pub(crate) fn execute(&mut self, application: &mut Application<'_>, apdu: &[u8]) -> Vec<u8> {
        match self.handle(application, apdu) {
            Ok(response) => response,
            Err(failure) => <[u8; 2]>::from(failure).to_vec(),
        }
    }

    fn handle(&mut self, application: &mut Application<'_>, apdu: &[u8]) -> Result<Vec<u8>, Status> {
        let command = Command::<BUFFER_BYTES>::try_from(apdu).map_err(|error| match error {
            FromSliceError::InvalidClass => Status::ClassNotSupported,
            _ => Status::WrongLength,
        })?;
        if command.instruction() == Instruction::GetResponse {
            return Ok(self.next_part(&command));
        }
        let Some(command) = self.join(command)? else {
            return Ok(status(0x9000));
        };
        self.response.clear();
        self.sent_bytes = 0;
        if let Err(failure) = self.ask(application, &command) {
            self.response.clear();
            return Err(failure);
        }
        Ok(self.next_part(&command))
    }

    fn ask(&mut self, application: &mut Application<'_>, command: &Command<BUFFER_BYTES>) -> Result<(), Status> {
        if command.instruction() == Instruction::Select {
            let full = with_full_aid(command)?;
            application.respond(full.as_view(), &mut self.response)?;
            self.selected = true;
            Ok(())
        } else if self.selected {
            application.respond(command.as_view(), &mut self.response)
        } else {
            Err(Status::InstructionNotSupportedOrInvalid)
        }
    }

    /// Collects a chain; `None` while more of it is to come.
    fn join(&mut self, command: Command<BUFFER_BYTES>) -> Result<Option<Command<BUFFER_BYTES>>, Status> {
        let last = command.class().chain().last_or_only();
        let joined = match self.pending_command.take() {
            None => command,
            Some(mut begun) => {
                begun.extend_from_command(&command).map_err(|_| Status::WrongLength)?;
                begun
            }
        };
        if last {
            return Ok(Some(joined));
        }
        self.pending_command = Some(joined);
        Ok(None)
    }

    /// As much of the response as `command` asks for. A missing Le asks for 256: yubico-piv-tool leaves it out.
    fn next_part(&mut self, command: &Command<BUFFER_BYTES>) -> Vec<u8> {
        let expected_bytes = match command.expected() {
            0 => 256,
            length => length,
        };
        let rest = &self.response[self.sent_bytes..];
        let part = &rest[..expected_bytes.min(rest.len())];
        let mut answer = part.to_vec();
        self.sent_bytes += part.len();
        let left_bytes = self.response.len() - self.sent_bytes;
        let word = match u8::try_from(left_bytes) {
            Ok(0) => 0x9000,
            Ok(left) => 0x6100 | u16::from(left),
            // "256 or more" is written as zero (ISO 7816-4, 5.3.4).
            Err(_) => 0x6100,
        };
        answer.extend(status(word));
        answer
    }
}

/// The SELECT as the application takes it: right-truncated identifiers down to NIST's own five bytes are completed.
fn with_full_aid(command: &Command<BUFFER_BYTES>) -> Result<Command<BUFFER_BYTES>, Status> {
    let asked = command.data();
    let truncated = asked.len() >= NIST_RID_BYTES && PIV_AID.starts_with(asked);
    if !truncated {
        return Ok(command.clone());
    }
    let mut bytes = vec![0x00, 0xA4, command.p1, command.p2, 0x09];
    bytes.extend_from_slice(&PIV_AID);
    bytes.push(0x00);
    Command::try_from(&bytes).map_err(|_| Status::WrongLength)
}
