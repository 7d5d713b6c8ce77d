//! The PIV application as a powered chip: Nitrokey's `piv-authenticator` on trussed, run in the caller's thread.
//! Holds no APDU transport (`apdu`), no sockets and no files.
//!
//! A chip lives from power-on to power-off or reset. The application keeps its PIN state across its own reset, so
//! a reset here builds a new chip on the same memory, as pulling the card out does.

mod dispatch;
pub(crate) mod flash;

use std::cell::RefCell;
use std::rc::Rc;

use heapless::VecView;
use iso7816::Status;
use iso7816::command::CommandView;
use littlefs2::fs::Filesystem;
use littlefs2_core::DynFilesystem;
use piv_authenticator::{Authenticator, Options};
use rand_core::OsRng;
use trussed::ClientImplementation;
use trussed::pipe::{ServiceEndpoint, TrussedChannel};
use trussed::platform::{Platform, Syscall, UserInterface};
use trussed::service::Service;
use trussed::store::Store;
use trussed::types::CoreContext;
use trussed_core::types::consent;

use dispatch::{BACKENDS, Backend, Dispatch, DispatchContext};
use flash::Flash;

/// The namespace of the PIV application in the chip's memory.
const CLIENT_ID: &str = "piv";

/// GET DATA of the discovery object (SP 800-73-5 part 1, table 3), free to everyone.
const GET_DISCOVERY: &[u8] = &[0x00, 0xCB, 0x3F, 0xFF, 0x03, 0x5C, 0x01, 0x7E, 0x00];

#[derive(Clone, Copy)]
struct Volumes<'a> {
    internal: &'a dyn DynFilesystem,
    external: &'a dyn DynFilesystem,
    volatile: &'a dyn DynFilesystem,
}

impl Store for Volumes<'_> {
    fn ifs(&self) -> &dyn DynFilesystem {
        self.internal
    }

    fn efs(&self) -> &dyn DynFilesystem {
        self.external
    }

    fn vfs(&self) -> &dyn DynFilesystem {
        self.volatile
    }
}

/// Nobody stands at the card: it consents to whatever the PIN rules allow.
struct Unattended;

impl UserInterface for Unattended {
    fn check_user_presence(&mut self) -> consent::Level {
        consent::Level::Normal
    }
}

/// Memory, and the operating system's randomness: trussed's own test platform has a constant seed, with which two
/// fresh cards make the same keys.
struct Hardware<'a> {
    volumes: Volumes<'a>,
    random: OsRng,
    face: Unattended,
}

impl<'a> Platform for Hardware<'a> {
    type R = OsRng;
    type S = Volumes<'a>;
    type UI = Unattended;

    fn rng(&mut self) -> &mut OsRng {
        &mut self.random
    }

    fn store(&self) -> Volumes<'a> {
        self.volumes
    }

    fn user_interface(&mut self) -> &mut Unattended {
        &mut self.face
    }
}

struct Firmware<'a> {
    service: Service<Hardware<'a>, Dispatch>,
    endpoints: [ServiceEndpoint<'a, Backend, DispatchContext>; 1],
}

/// A system call is a function call: the service answers at once, in the same thread, without the polling thread
/// of trussed's test platform (a millisecond a call).
struct Direct<'a>(Rc<RefCell<Firmware<'a>>>);

impl Syscall for Direct<'_> {
    fn syscall(&mut self) {
        let mut firmware = self.0.borrow_mut();
        let Firmware { service, endpoints } = &mut *firmware;
        service.process(endpoints);
    }
}

/// The application of a powered card.
pub(crate) struct Application<'a>(Authenticator<ClientImplementation<'a, Direct<'a>, Dispatch>>);

impl Application<'_> {
    /// Answers one complete command (chaining already joined).
    ///
    /// # Errors
    /// The status word, when it is not 9000.
    pub(crate) fn respond(&mut self, command: CommandView<'_>, reply: &mut VecView<u8>) -> Result<(), Status> {
        self.0.respond(command, reply)
    }

    /// Lets the application load its state, by a GET DATA of the discovery object that nobody sees.
    pub(crate) fn wake(&mut self) {
        let command = CommandView::try_from(GET_DISCOVERY).expect("the constant is an APDU");
        let mut unseen = heapless::Vec::<u8, 256>::new();
        // An application that cannot load its state says so again to the first real command.
        let _ = self.0.respond(command, &mut unseen);
    }
}

/// Powers a chip on `flash` and lends its application to `session`; the chip is off when that returns.
///
/// # Errors
/// The memory holds no file system.
pub(crate) fn powered<R>(flash: &Flash, session: impl FnOnce(&mut Application<'_>) -> R) -> littlefs2::io::Result<R> {
    let Flash { mut internal, mut external, mut volatile } = flash.share();
    Filesystem::mount_and_then(&mut internal, |internal| {
        Filesystem::mount_and_then(&mut external, |external| {
            Filesystem::mount_and_then(&mut volatile, |volatile| {
                let channel = TrussedChannel::new();
                let (requester, responder) = channel.split().expect("a new channel was never split");
                let context = CoreContext::new(CLIENT_ID.try_into().expect("the client id is a short ASCII path"));
                let firmware = Firmware {
                    service: Service::with_dispatch(
                        Hardware { volumes: Volumes { internal, external, volatile }, random: OsRng, face: Unattended },
                        Dispatch::new(),
                    ),
                    endpoints: [ServiceEndpoint::new(responder, context, BACKENDS)],
                };
                let syscall = Direct(Rc::new(RefCell::new(firmware)));
                let client = ClientImplementation::new(requester, syscall, None);
                let mut application = Application(Authenticator::new(client, Options::new()));
                Ok(session(&mut application))
            })
        })
    })
}
