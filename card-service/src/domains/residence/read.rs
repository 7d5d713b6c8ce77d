//! Reading a person's record: purpose first, leaf in the same transaction, and only then the datum.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::model::Field;
use super::{protect, store};
use crate::app::App;
use crate::db::Tx;
use crate::http::Refusal;
use crate::people::{Purpose, StaffId};

/// A field in clear, for the one who stated a purpose.
pub struct Revealed {
    /// Which.
    pub field: Field,
    /// Its text.
    pub text: Zeroizing<String>,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("field", &self.field).finish_non_exhaustive()
    }
}

/// Reads fields of a person's record, those that are there. Each leaves a leaf and a line that the holder can see. Whether
/// the reader's role allows the purpose is checked by the caller, who knows the role.
pub async fn reveal(
    app: &App,
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    holder: HolderId,
    purpose: Purpose,
    fields: &[Field],
) -> Result<Vec<Revealed>, Refusal> {
    let person =
        store::load(tx.conn(), holder).await?.ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))?;
    let key = protect::unwrap(&*app.keys, holder, &person.wrapped_key)?;
    let mut revealed = Vec::with_capacity(fields.len());
    for field in fields {
        let Some(sealed) = person.facts.get(field) else { continue };
        store::record_read(tx, now, holder, who, purpose, *field).await?;
        let text = protect::open_field(&key, holder, *field, sealed)?;
        revealed.push(Revealed { field: *field, text });
    }
    metrics::counter!("person_reads_total").increment(1);
    Ok(revealed)
}

/// The name for the printed information of a card, read on behalf of whoever registered the holder.
pub async fn name_for_printing(app: &App, tx: &mut Tx, holder: HolderId) -> Result<Zeroizing<String>, Refusal> {
    let registrar =
        store::registrar(tx, holder).await?.ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))?;
    let mut read = reveal(app, tx, app.now(), registrar, holder, Purpose::CardIssuance, &[Field::Name]).await?;
    Ok(read.pop().map(|name| name.text).unwrap_or_default())
}
