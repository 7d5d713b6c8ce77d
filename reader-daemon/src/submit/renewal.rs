//! The terminal's certificate renews itself, while the one before it is still valid for a while: a service that is away for weeks
//! stops nobody. The key stays, so nothing is lost if the terminal is switched off meanwhile.

use std::ops::Range;

use card_schema::{
    clock::Micros,
    wire::{
        Bytes,
        terminal::{RenewalReply, RenewalRequest},
    },
};

use super::client::{ServiceClient, ServiceError};
use crate::identity::{Identity, IdentityError, validity};

/// A certificate is renewed when less than one part in so many of its time is left.
const PARTS: i64 = 3;

/// Why there is no other certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenewalError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the service's answer is no certificate of this terminal: {0}")]
    Answer(&'static str),
}

/// The terminal with another certificate, where its own has not much time left. It is kept, and the client presents it.
///
/// # Errors
/// [`RenewalError`]; the terminal goes on with the one that it has.
pub(super) async fn renew(
    client: &ServiceClient,
    identity: &Identity,
    now: Micros,
) -> Result<Option<Identity>, RenewalError> {
    let key = identity.key.public();
    let held = validity(&identity.file.certificate.0, key.as_sec1()).map_err(RenewalError::Answer)?;
    if !is_due(&held, now) {
        return Ok(None);
    }
    let RenewalReply { certificate, chain } = client.renew(&RenewalRequest { csr: Bytes(identity.request()?) }).await?;
    let new = validity(&certificate.0, key.as_sec1()).map_err(RenewalError::Answer)?;
    if new.end <= held.end {
        return Err(RenewalError::Answer("it is valid no longer than the one before"));
    }
    let renewed = identity.renewed(certificate, chain)?;
    client.present(&renewed)?;
    tracing::info!(until_s = new.end.seconds(), "the terminal's certificate is renewed");
    Ok(Some(renewed))
}

fn is_due(held: &Range<Micros>, now: Micros) -> bool {
    let whole = held.end.0.saturating_sub(held.start.0);
    held.end.0.saturating_sub(now.0) < whole / PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_ninety_days_is_renewed_in_its_last_thirty() {
        let day = |number: i64| Micros(number * 86_400_000_000);
        let held = day(100)..day(190);
        assert_eq!([99, 159, 160, 161, 189, 190, 400].map(|now| is_due(&held, day(now))), {
            [false, false, false, true, true, true, true]
        });
    }
}
