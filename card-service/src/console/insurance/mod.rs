//! Social security: whom an employer insures and what it declares, for whoever files for it; which employers take part and what they have
//! paid, and what holders say against it, for the bureau; and what has become of the months of one person.
//!
//! An employer sees what it has filed itself, and of people only whether a number and a name belong together. The bureau sees who somebody
//! is where they have disputed a month of theirs.

mod disputes;
mod employers;
mod enrolment;
mod filing;
mod months;
mod receipts;
mod statement;
#[cfg(test)]
pub(super) mod tests;

use std::collections::HashMap;

use axum::routing::MethodRouter;
use card_schema::ids::OrganisationId;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::ProblemType;

use super::view::{Choice, day};
use crate::app::App;
use crate::db::{Connection, DbError};
use crate::domains::social_security::declaration::DeclarationId;
use crate::domains::social_security::model::Household;
use crate::domains::social_security::paying;
use crate::domains::social_security::store;
use crate::domains::social_security::store::declaration::Declaration;
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::organisation::{self, Kind, Organisation};
use crate::people::{Staff, member};

/// How many declarations and receipts are shown.
const SHOWN: u32 = 60;

/// The pages of this folder.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    let mut routes = Vec::from(filing::routes());
    routes.extend(enrolment::routes());
    routes.extend(employers::routes());
    routes.extend(receipts::routes());
    routes.extend(disputes::routes());
    routes.extend(months::routes());
    routes
}

/// An employer that takes part, and its class of risk.
struct Employer {
    organisation: Organisation,
    risk: u8,
}

impl Employer {
    const fn id(&self) -> OrganisationId {
        self.organisation.organisation_id
    }
}

/// The employer for which somebody files.
async fn own(connection: &mut Connection, who: &Staff) -> Result<Employer, Refusal> {
    let refused = |key| Refusal::because(ProblemType::Conflict, key);
    let member = member::store::one(connection, who.staff_id).await?;
    let employer = member.and_then(|member| member.post.organisation).ok_or(refused("filing-no-employer"))?;
    let entry = organisation::store::one(connection, employer).await?;
    let entry = entry.filter(|entry| entry.kind == Some(Kind::Employer) && !entry.closed);
    let organisation = entry.ok_or(refused("filing-no-employer"))?.organisation;
    let risk = store::risk(connection, employer).await?.ok_or(refused("filing-no-part"))?;
    Ok(Employer { organisation, risk })
}

fn households(locale: Locale) -> Vec<Choice> {
    Household::ALL.map(|household| Choice::new(household.name(), locale.text(household.text_key()))).into()
}

/// How an employer stands.
pub(super) struct Account {
    pub(super) this: Month,
    pub(super) insured: i64,
    pub(super) credit: Fen,
    pub(super) owed: Fen,
    pub(super) declared: Vec<Declaration>,
    /// Of what is being booked, how many workers are in the books.
    pub(super) booked: HashMap<DeclarationId, i64>,
}

impl Account {
    async fn of(app: &App, connection: &mut Connection, employer: OrganisationId) -> Result<Self, DbError> {
        let this = Month::of(app.today());
        let declared = store::declaration::of_employer(&mut *connection, employer, SHOWN).await?;
        let mut booked = HashMap::new();
        for one in declared.iter().filter(|one| one.paid_at.is_some() && !one.posted) {
            booked.insert(one.id, paying::booked(&mut *connection, one.id).await?);
        }
        Ok(Self {
            this,
            insured: store::employment::insured(&mut *connection, employer, this).await?,
            credit: store::declaration::credit(&mut *connection, employer).await?,
            owed: store::declaration::owed(connection, employer).await?,
            declared,
            booked,
        })
    }

    /// What was declared, as lines of facts.
    fn facts(&self, locale: Locale) -> impl Iterator<Item = (String, String)> {
        self.declared.iter().map(move |one| declaration_fact(locale, one, self.booked.get(&one.id).copied()))
    }
}

/// What was declared, as a line of facts: the month, and how it stands.
fn declaration_fact(locale: Locale, of: &Declaration, booked: Option<i64>) -> (String, String) {
    let month = of.of.month.to_string();
    let label = if of.of.corrects { locale.text_with("filing-correction", &[("month", &month)]) } else { month };
    let mut said = vec![
        locale.text_with("filing-of", &[("people", &of.totals.people.to_string())]),
        locale.text_with("filing-due", &[("amount", &of.due.to_string())]),
        locale.text_with("filing-filed", &[("day", &day(of.filed_at))]),
    ];
    said.push(match of.paid_at {
        Some(at) if of.posted => locale.text_with("filing-paid", &[("day", &day(at))]),
        Some(_) => {
            let values = [("booked", booked.unwrap_or(0).to_string()), ("people", of.totals.people.to_string())];
            locale.text_with("filing-being-booked", &values.each_ref().map(|(name, value)| (*name, &**value)))
        }
        None => locale.text("filing-waits"),
    });
    (label, said.join(&locale.text("console-list-comma")))
}

/// A month that was typed.
fn month(typed: &str) -> Option<Month> {
    typed.trim().parse().ok()
}
