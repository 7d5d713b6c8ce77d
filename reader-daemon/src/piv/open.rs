//! Opens the PIV card in a reader for one operation or for several in one transaction. Knows no command.

use std::time::Duration;

use super::card::PivCard;
use crate::card::{
    link::{Link, LinkError},
    readers::{Readers, Session},
};

/// The link that a card is reached by, whatever it is.
pub type AnyLink<'a> = &'a mut (dyn Link + 'a);

impl Readers {
    /// Does `work` with the card in a reader, in an exclusive transaction of its own.
    ///
    /// # Errors
    /// [`LinkError`] when there is no card or it did not answer in time, otherwise what `work` answers.
    pub fn with_card<T, E, F>(&self, reader: &str, timeout: Duration, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LinkError> + Send + 'static,
        F: for<'a> FnOnce(&mut PivCard<AnyLink<'a>>) -> Result<T, E> + Send + 'static,
    {
        self.session(reader).with_card(timeout, work)
    }

    /// The same for a caller that must not block its thread.
    ///
    /// # Errors
    /// As [`Self::with_card`].
    pub async fn with_card_async<T, E, F>(&self, reader: &str, timeout: Duration, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LinkError> + Send + 'static,
        F: for<'a> FnOnce(&mut PivCard<AnyLink<'a>>) -> Result<T, E> + Send + 'static,
    {
        self.session(reader).with_card_async(timeout, work).await
    }
}

impl Session {
    /// Does `work` within the session's transaction: what an earlier piece authenticated still holds.
    ///
    /// # Errors
    /// As [`Readers::with_card`].
    pub fn with_card<T, E, F>(&self, timeout: Duration, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LinkError> + Send + 'static,
        F: for<'a> FnOnce(&mut PivCard<AnyLink<'a>>) -> Result<T, E> + Send + 'static,
    {
        self.run(timeout, move |link| work(&mut PivCard::new(link?)))?
    }

    /// The same for a caller that must not block its thread.
    ///
    /// # Errors
    /// As [`Readers::with_card`].
    pub async fn with_card_async<T, E, F>(&self, timeout: Duration, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LinkError> + Send + 'static,
        F: for<'a> FnOnce(&mut PivCard<AnyLink<'a>>) -> Result<T, E> + Send + 'static,
    {
        self.run_async(timeout, move |link| work(&mut PivCard::new(link?))).await?
    }
}
