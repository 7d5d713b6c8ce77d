//! One bill with what is sealed in it, for an officer of the bureau who says why: the holder sees that it was read.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::ClaimId;
use card_schema::wire::ProblemType;
use card_schema::wire::clinic::BilledLine;

use super::levels;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::page;
use crate::console::part::{Part, Told};
use crate::console::register::{Link, Typed};
use crate::console::view::{self, minute};
use crate::domains::clinic::model::Claim;
use crate::domains::clinic::sealed::Content;
use crate::domains::clinic::store;
use crate::domains::residence::{self, merge};
use crate::http::{Refusal, SignedIn};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::{Purpose, organisation};

/// As what a look at a bill stands in the holder's list.
pub(super) const READ: &str = "claim";

const PART: Part = Part {
    address: ["/claims/", ""],
    keys: "claim",
    permission: Permission::ReconcileContributions,
    purposes: Some(&[Purpose::Complaint]),
    back: |locale, _| back(locale),
};

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/claims/{claim_id}", get(ask).post(show))]
}

/// The address of a bill.
pub(super) fn address(claim: ClaimId) -> String {
    PART.address(claim)
}

fn back(locale: Locale) -> Link {
    Link { to: levels::LIST.to_owned(), text: locale.text("clinic-title") }
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "claim-unknown")
}

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<ClaimId>,
) -> Result<Response, Refusal> {
    let frame = PART.frame(&who, &headers, id)?;
    store::claim::one(&mut app.db.read().await?, id).await?.ok_or_else(unknown)?;
    PART.why(frame, id, who.0.role, None).answer()
}

/// What an officer sees of a bill. Whose it is stands in no part of it.
#[derive(Template)]
#[template(path = "console/claim.html")]
pub(super) struct ClaimPage {
    pub(super) frame: Frame,
    pub(super) back: Link,
    pub(super) facts: Vec<(String, String)>,
    pub(super) lines: Vec<BilledLine>,
}

impl ClaimPage {
    pub(super) fn new(frame: Frame, clinic: &str, claim: &Claim, content: Content, purpose: Purpose) -> Self {
        let locale = frame.locale();
        let t = |key: &str| locale.text(key);
        let settled = claim.settled.map_or_else(|| t("claim-waits"), |settled| minute(settled.at));
        let referred = t(if content.referred { "claim-referred" } else { "claim-not-referred" });
        let [total, fund, account] = claim.payers.amounts().map(|amount| amount.to_string());
        let mut facts = vec![
            (t("clearing-number"), claim.id.to_string()),
            (t("claim-clinic"), clinic.to_owned()),
            (t("claim-benefit"), t(&format!("coverage-{}", claim.benefit.name().replace('_', "-")))),
            (t("claim-day"), claim.day.to_string()),
            (t("clearing-settled"), settled),
        ];
        facts.extend(claim.reversed_at.map(|at| (t("claim-taken-back"), minute(at))));
        facts.extend([
            (t("claim-diagnosis-title"), content.diagnosis),
            (t("claim-referral"), referred),
            (t("clearing-total"), total),
            (t("clearing-fund"), fund),
            (t("clearing-account"), account),
            (t("claim-rest"), claim.payers.rest.to_string()),
            (t("insured-why"), view::reason(locale, purpose)),
        ]);
        Self { back: back(locale), facts, lines: content.lines, frame }
    }

    fn name<'a>(&self, line: &'a BilledLine) -> &'a str {
        match self.frame.locale() {
            Locale::ZhCn => &line.name,
            Locale::En => &line.name_en,
        }
    }
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<ClaimId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let (frame, purpose) = match PART.told(&who, &headers, id, &form)? {
        Told::Why(frame, purpose) => (frame, purpose),
        Told::Nothing(question) => return Ok(question),
    };
    let mut connection = app.db.read().await?;
    let (claim, _) = store::claim::one(&mut connection, id).await?.ok_or_else(unknown)?;
    let clinic = organisation::store::one(&mut connection, claim.clinic).await?;
    let clinic = clinic.map_or_else(String::new, |entry| entry.organisation.name);
    let person = merge::primary(&mut connection, claim.holder).await?;
    drop(connection);
    let (by, now, office) = (who.0.staff_id, app.now(), app.clone());
    let (claim, content) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // The person has the list of who has read the one record, whatever record the bill came with.
                tx.lock([person.shard()]).await?;
                let (claim, sealed) = store::claim::one(tx.conn(), id).await?.ok_or_else(unknown)?;
                residence::store::record_read(tx, now, person, by, purpose, READ).await?;
                Ok((claim, Content::open(&*office.keys, id, &sealed)?))
            })
        })
        .await?;
    page(&ClaimPage::new(frame, &clinic, &claim, content, purpose))
}
