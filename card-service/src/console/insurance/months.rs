//! What has become of the months of one person: which were paid, by whom and how much, which are missing; for whoever says why that is
//! read.

use std::collections::HashMap;

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::{HolderId, OrganisationId};
use card_schema::month::Month;

use crate::app::App;
use crate::console::frame::Frame;
use crate::console::model::Tone;
use crate::console::page;
use crate::console::part::{Part, back};
use crate::console::register::{ThingPage, Typed, typed};
use crate::console::view::{self, Tag};
use crate::db::{Connection, DbError};
use crate::domains::residence::{self, merge};
use crate::domains::social_security::record::{self, MonthOf};
use crate::domains::social_security::store;
use crate::http::{Refusal, SignedIn};
use crate::i18n::Locale;
use crate::ledger::{self, AccountKey, AccountKind, Unit};
use crate::people::model::Permission;
use crate::people::{Purpose, organisation};

const PART: Part = Part { name: "insurance", keys: "insured", permission: Permission::ServeHolders };

/// The page of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/holders/{holder_id}/insurance", get(ask).post(show))]
}

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    PART.ask(&app, &who, &headers, holder).await
}

/// What somebody has of social security.
#[derive(Default)]
pub(super) struct Has {
    pub(super) months: Vec<MonthOf>,
    /// What the employers are called.
    pub(super) names: HashMap<OrganisationId, String>,
    /// What is in their account of the pension insurance, and of the medical insurance, in fen.
    pub(super) accounts: [i64; 2],
}

async fn load(app: &App, connection: &mut Connection, person: HolderId) -> Result<Has, Refusal> {
    let (mut employments, mut declared, mut accounts) = (Vec::new(), Vec::new(), [0; 2]);
    for record in merge::records(&mut *connection, person).await? {
        let found = store::employment::of_holder(&mut *connection, record).await?;
        employments.extend(found.into_iter().map(|found| found.employment));
        declared.extend(store::declaration::of_holder(&mut *connection, record).await?);
        let kinds = [AccountKind::PensionAccount, AccountKind::MedicalAccount];
        for (sum, kind) in accounts.iter_mut().zip(kinds) {
            let key = AccountKey { shard: record.shard(), owner: record.into(), kind, unit: Unit::CnyFen };
            *sum += ledger::store::balance(&mut *connection, &key).await?;
        }
    }
    let months = record::months(&employments, &declared, app.now(), Month::of(app.today()));
    Ok(Has { months, names: names(connection).await?, accounts })
}

async fn names(connection: &mut Connection) -> Result<HashMap<OrganisationId, String>, DbError> {
    let all = organisation::store::all(connection).await?;
    Ok(all.into_iter().map(|entry| (entry.organisation.organisation_id, entry.organisation.name)).collect())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let frame = PART.frame(&who, &headers, holder)?;
    let Some(purpose) = Purpose::from_name(typed(&form, "reason")) else {
        return PART.why(frame, holder, who.0.role.purposes(), Some(("reason", "console-purpose-missing"))).answer();
    };
    who.require_purpose(purpose)?;
    let (shared, by, now) = (app.clone(), who.0.staff_id, app.now());
    let has = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([holder.shard()]).await?;
                residence::require_known(tx.conn(), holder).await?;
                residence::store::record_read(tx, now, holder, by, purpose, record::READ).await?;
                load(&shared, tx.conn(), holder).await
            })
        })
        .await?;
    page(&thing(frame, holder, purpose, &has))
}

fn fact(locale: Locale, has: &Has, of: &MonthOf) -> (String, String) {
    let name = has.names.get(&of.employer).cloned().unwrap_or_default();
    let values = [("month", of.month.to_string()), ("employer", name)];
    let label = locale.text_with("insured-month-of", &values.each_ref().map(|(name, value)| (*name, &**value)));
    let mut said = vec![locale.text(of.state.text_key())];
    if let Some(declared) = of.declared {
        let sums = declared.sums;
        let parts = [
            ("person", sums.person),
            ("employer", sums.employer),
            ("pension", sums.pension_account),
            ("medical", sums.medical_account),
        ];
        let parts = parts.map(|(name, amount)| (name, amount.to_string()));
        if of.correction_waits {
            said.push(locale.text("insured-correction-waits"));
        }
        said.push(locale.text_with("insured-sums", &parts.each_ref().map(|(name, value)| (*name, &**value))));
    }
    (label, said.join(&locale.text("console-list-comma")))
}

/// The page of somebody's months.
pub(super) fn thing(frame: Frame, holder: HolderId, purpose: Purpose, has: &Has) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let gaps = has.months.iter().filter(|of| of.state.is_gap()).count();
    let state = match (has.months.is_empty(), gaps) {
        (true, _) => Tag { text: t("insured-never"), tone: Tone::Idle },
        (false, 0) => Tag { text: t("insured-no-gap"), tone: Tone::Ok },
        (false, gaps) => {
            Tag { text: locale.text_with("insured-gaps", &[("months", &gaps.to_string())]), tone: Tone::Wait }
        }
    };
    let [pension, medical] = has.accounts.map(|amount| card_schema::money::Fen(amount).to_string());
    let mut facts = vec![
        (t("insured-counted"), record::counted(&has.months).to_string()),
        (t("insured-pension-account"), pension),
        (t("insured-medical-account"), medical),
    ];
    facts.extend(has.months.iter().map(|of| fact(locale, has, of)));
    facts.push((t("insured-why"), view::reason(locale, purpose)));
    ThingPage {
        back: back(locale, holder),
        action: PART.address(holder),
        title: t("insured-title"),
        state,
        facts,
        links: Vec::new(),
        refused: None,
        along: Vec::new(),
        acts: Vec::new(),
        frame,
    }
}

#[cfg(test)]
pub(super) fn why(frame: Frame, holder: HolderId, wrong: bool) -> crate::console::register::FormPage {
    let purposes = crate::people::StaffRole::Clerk.purposes();
    PART.why(frame, holder, purposes, wrong.then_some(("reason", "console-purpose-missing")))
}
