//! What has become of the months of one person: which were paid, by whom and how much, which are missing; for whoever says why that is
//! read.

use std::iter;

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::HolderId;
use card_schema::month::Month;
use card_schema::wire::insurance::MonthState;

use super::disputes;
use super::statement::StatementPage;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::model::Tone;
use crate::console::page;
use crate::console::part::{Part, Told, back};
use crate::console::register::{Act, ThingPage, Typed, typed};
use crate::console::view::{self, Tag, day};
use crate::domains::residence;
use crate::domains::residence::model::Field;
use crate::domains::social_security::record::{self, MonthOf};
use crate::http::{Refusal, SignedIn};
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::model::Permission;
use crate::statement::insurance::{self, Insured};

/// What is sent to have the months on paper.
const PRINT: &str = "print";

const PART: Part = Part::of_record("/insurance", "insured", Permission::ServeHolders);

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

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let (frame, purpose) = match PART.told(&who, &headers, holder, &form)? {
        Told::Why(frame, purpose) => (frame, purpose),
        Told::Nothing(question) => return Ok(question),
    };
    let (by, now, this) = (who.0.staff_id, app.now(), Month::of(app.today()));
    let (on_paper, office) = (typed(&form, "act") == PRINT, app.clone());
    let (has, facts) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([holder.shard()]).await?;
                residence::require_known(tx.conn(), holder).await?;
                residence::store::record_read(tx, now, holder, by, purpose, record::READ).await?;
                let has = insurance::of(tx.conn(), holder, now, this).await?;
                let fields = [Field::Name, Field::DocumentNumber];
                let facts = if on_paper {
                    Some(residence::reveal(&office, tx, now, by, holder, purpose, &fields).await?)
                } else {
                    None
                };
                Ok((has, facts))
            })
        })
        .await?;
    match facts {
        Some(facts) => page(&StatementPage::new(frame, holder, &facts, day(now), &has)),
        None => page(&thing(frame, holder, purpose, &has)),
    }
}

/// What a month is called: which, and whose.
pub(super) fn label(locale: Locale, month: Month, employer: &str) -> String {
    locale.text_with("insured-month-of", &[("month", &month.to_string()), ("employer", employer)])
}

/// In what state a month is.
pub(super) fn state(locale: Locale, of: &MonthOf) -> String {
    locale.text(match of.state {
        MonthState::Paid => "insured-paid",
        MonthState::PaidLate => "insured-paid-late",
        MonthState::Declared => "insured-declared",
        MonthState::Unpaid => "insured-unpaid",
        MonthState::Open => "insured-open",
        MonthState::Missing => "insured-missing",
    })
}

/// How a month stands, without what was said against it.
pub(super) fn standing(locale: Locale, of: &MonthOf) -> String {
    let mut said = vec![state(locale, of)];
    if let Some(declared) = of.declared {
        let sums = declared.sums;
        let parts = [
            ("wage", declared.wage),
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
    said.join(&locale.text("console-list-comma"))
}

fn fact(locale: Locale, has: &Insured, of: &MonthOf) -> (String, String) {
    let disputed = has.dispute(of).map(|dispute| disputes::standing(locale, dispute));
    let said = iter::once(standing(locale, of)).chain(disputed).collect::<Vec<_>>();
    (label(locale, of.month, has.name(of.employer)), said.join(&locale.text("console-list-comma")))
}

/// The page of somebody's months.
pub(super) fn thing(frame: Frame, holder: HolderId, purpose: Purpose, has: &Insured) -> ThingPage {
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
        back: back(locale, &holder.to_string()),
        action: PART.address(holder),
        title: t("insured-title"),
        state,
        facts,
        links: Vec::new(),
        refused: None,
        along: vec![("reason", purpose.name().to_owned())],
        acts: vec![Act {
            name: PRINT,
            title: t("statement-act"),
            hint: Some(t("statement-act-hint")),
            inputs: Vec::new(),
            button: t("statement-act-button"),
            primary: false,
        }],
        frame,
    }
}

#[cfg(test)]
pub(super) fn why(frame: Frame, holder: HolderId, wrong: bool) -> crate::console::register::FormPage {
    PART.why(frame, holder, crate::people::StaffRole::Clerk, wrong.then_some(("reason", "console-purpose-missing")))
}
