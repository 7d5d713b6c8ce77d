//! Who somebody is, for parts of the service that decide about persons and are not to see their records: nothing that is read here is
//! shown to anybody, so it leaves no line in the list of who has read.

use std::collections::HashMap;

use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::{Document, Facts, Field};
use super::{agreement, protect, read, store, whose_document};
use crate::app::App;
use crate::http::Refusal;
use crate::plain;

/// How many records are opened with one connection.
const AT_ONCE: usize = 200;

/// The person whom both a document's number and a name name, where somebody is registered with it.
///
/// # Errors
/// When keys or database fail.
pub async fn identified(app: &App, number: &str, name: &str) -> Result<Option<HolderId>, Refusal> {
    for kind in Document::ALL {
        let typed = Facts::default().with(Field::DocumentKind, kind.name()).with(Field::DocumentNumber, number);
        let Ok(Some(person)) = whose_document(app, &typed).await? else { continue };
        let (sealed, key) = read::sealed(app, &mut app.db.read().await?, person).await?;
        let facts = protect::open(&key, person, &sealed)?;
        if plain::normal(facts.get(Field::Name)) == plain::normal(name) {
            return Ok(Some(person));
        }
    }
    Ok(None)
}

/// When some people were born; without those of whom nothing says so.
///
/// # Errors
/// When keys or database fail.
pub async fn births(app: &App, people: &[HolderId]) -> Result<HashMap<HolderId, Date>, Refusal> {
    let mut births = HashMap::with_capacity(people.len());
    for some in people.chunks(AT_ONCE) {
        // Others get their turn between.
        let mut connection = app.db.read().await?;
        for person in some {
            let Some(sealed) = store::load(&mut connection, *person).await? else { continue };
            let key = protect::unwrap(&*app.keys, *person, &sealed.wrapped_key)?;
            let facts = protect::open(&key, *person, &sealed)?;
            births.extend(agreement::rules::birth(&facts, app.today()).map(|birth| (*person, birth)));
        }
    }
    Ok(births)
}
