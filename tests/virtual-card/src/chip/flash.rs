//! The chip's memory: three littlefs volumes over plain byte vectors, and whether anything was written to them.
//! Holds no files; `folder` decides when the bytes reach the disk, so that an APDU is there whole or not at all.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use littlefs2::consts::{U8, U512};
use littlefs2::driver::Storage;
use littlefs2::fs::Filesystem;
use littlefs2::io::{Error, Result};

const BLOCK_BYTES: usize = 512;
const INTERNAL_BLOCKS: usize = 128;
const EXTERNAL_BLOCKS: usize = 512;
const VOLATILE_BLOCKS: usize = 128;

/// Bytes of the two lasting volumes together: the size of a card's image.
pub(crate) const IMAGE_BYTES: usize = (INTERNAL_BLOCKS + EXTERNAL_BLOCKS) * BLOCK_BYTES;

/// One volume of `BLOCKS` blocks. Clones share the bytes.
#[derive(Clone)]
pub(crate) struct Volume<const BLOCKS: usize> {
    bytes: Rc<RefCell<Vec<u8>>>,
    written: Rc<Cell<bool>>,
}

pub(crate) type Internal = Volume<INTERNAL_BLOCKS>;
pub(crate) type External = Volume<EXTERNAL_BLOCKS>;
pub(crate) type Volatile = Volume<VOLATILE_BLOCKS>;

impl<const BLOCKS: usize> Volume<BLOCKS> {
    fn erased() -> Self {
        Self::holding(vec![0xFF; BLOCKS * BLOCK_BYTES])
    }

    fn holding(bytes: Vec<u8>) -> Self {
        Self { bytes: Rc::new(RefCell::new(bytes)), written: Rc::new(Cell::new(false)) }
    }

    fn formatted() -> Result<Self> {
        let mut volume = Self::erased();
        Filesystem::format(&mut volume)?;
        Ok(volume)
    }
}

impl<const BLOCKS: usize> Storage for Volume<BLOCKS> {
    const READ_SIZE: usize = 16;
    const WRITE_SIZE: usize = 16;
    const BLOCK_SIZE: usize = BLOCK_BYTES;
    const BLOCK_COUNT: usize = BLOCKS;
    const BLOCK_CYCLES: isize = -1;
    type CACHE_SIZE = U512;
    type LOOKAHEAD_SIZE = U8;

    fn read(&mut self, offset: usize, buffer: &mut [u8]) -> Result<usize> {
        let bytes = self.bytes.borrow();
        let from = bytes.get(offset..offset + buffer.len()).ok_or(Error::INVALID)?;
        buffer.copy_from_slice(from);
        Ok(buffer.len())
    }

    fn write(&mut self, offset: usize, data: &[u8]) -> Result<usize> {
        let mut bytes = self.bytes.borrow_mut();
        let to = bytes.get_mut(offset..offset + data.len()).ok_or(Error::NO_SPACE)?;
        to.copy_from_slice(data);
        self.written.set(true);
        Ok(data.len())
    }

    fn erase(&mut self, offset: usize, length: usize) -> Result<usize> {
        let mut bytes = self.bytes.borrow_mut();
        let to = bytes.get_mut(offset..offset + length).ok_or(Error::NO_SPACE)?;
        to.fill(0xFF);
        self.written.set(true);
        Ok(length)
    }
}

/// The chip's whole memory.
pub(crate) struct Flash {
    pub(crate) internal: Internal,
    pub(crate) external: External,
    /// Fresh at each power-on.
    pub(crate) volatile: Volatile,
}

impl Flash {
    /// A factory-new memory.
    ///
    /// # Errors
    /// The file system cannot be made.
    pub(crate) fn blank() -> Result<Self> {
        Ok(Self { internal: Volume::formatted()?, external: Volume::formatted()?, volatile: Volume::formatted()? })
    }

    /// The memory that `image` holds, at power-on.
    ///
    /// # Errors
    /// The image has another size, or the volatile volume cannot be made.
    pub(crate) fn from_image(image: &[u8]) -> Result<Self> {
        if image.len() != IMAGE_BYTES {
            return Err(Error::INVALID);
        }
        let (internal, external) = image.split_at(INTERNAL_BLOCKS * BLOCK_BYTES);
        Ok(Self {
            internal: Volume::holding(internal.to_vec()),
            external: Volume::holding(external.to_vec()),
            volatile: Volume::formatted()?,
        })
    }

    /// The lasting volumes' bytes.
    pub(crate) fn image(&self) -> Vec<u8> {
        [self.internal.bytes.borrow().as_slice(), self.external.bytes.borrow().as_slice()].concat()
    }

    /// The image, when a lasting volume was written since the last call.
    pub(crate) fn take_written(&self) -> Option<Vec<u8>> {
        let internal = self.internal.written.replace(false);
        let external = self.external.written.replace(false);
        (internal || external).then(|| self.image())
    }

    /// Shares the same bytes.
    pub(crate) fn share(&self) -> Self {
        Self { internal: self.internal.clone(), external: self.external.clone(), volatile: self.volatile.clone() }
    }
}
