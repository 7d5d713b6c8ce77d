//! What a clerk does for one holder: sees the cards, reads the record with a purpose, has a card issued.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::{HolderId, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;
use serde::Deserialize;

use super::asking;
use super::frame::Frame;
use super::view::{Choice, Tag, day, minute, reason, short};
use crate::app::App;
use crate::cards::expiry::rules::Validity;
use crate::cards::{self, Bearer, issuance};
use crate::domains::residence::agreement;
use crate::domains::residence::house;
use crate::domains::residence::household::{self, Household, model::Relationship, view::relationship_text};
use crate::domains::residence::merge;
use crate::domains::residence::model::Field;
use crate::domains::residence::permit::{self, rules::Clock};
use crate::domains::residence::photo;
use crate::domains::residence::{self, view::label, view::shown};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::{Purpose, StaffId, member};
use crate::terminals::{self, TerminalState};

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        ("/holders/{holder_id}", get(show)),
        ("/holders/{holder_id}/record", post(record).get(back)),
        ("/holders/{holder_id}/cards", post(issue).get(back)),
    ]
}

/// A card of a holder.
#[derive(Clone, Debug)]
pub(super) struct CardLine {
    pub(super) card: String,
    pub(super) short: String,
    pub(super) state: Tag,
    pub(super) expires: String,
    /// That it is to be renewed, where it is.
    pub(super) renew: Option<String>,
    /// Its issuance, while the card is not in use yet.
    pub(super) issuance: Option<String>,
}

/// The record, for somebody who said why.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) purpose: String,
    /// Labels and values, and the names of the fields.
    pub(super) facts: Vec<(String, String, &'static str)>,
    /// The grid cell in which the house lies, with all in which that lies; empty where it is not known.
    pub(super) cell: String,
    /// To whose household the person belongs.
    pub(super) household: Belongs,
    /// Who signed the agreement on paper, or its withdrawal, last.
    pub(super) signer: Option<String>,
    /// Earlier addresses, with the days of moving in and out.
    pub(super) earlier: Vec<(String, String, String)>,
    /// The photo, as an address that holds it.
    pub(super) photo: Option<String>,
}

/// Somebody of a household.
#[derive(Clone, Debug)]
pub(super) struct MemberLine {
    pub(super) holder: String,
    pub(super) name: String,
    pub(super) relationship: String,
    pub(super) since: String,
    pub(super) is_head: bool,
}

/// The household of a holder.
#[derive(Clone, Debug)]
pub(super) struct Belongs {
    /// The head first; nobody where there is none.
    pub(super) members: Vec<MemberLine>,
    /// What the person was before: from when, up to when, and how related to the head.
    pub(super) earlier: Vec<(String, String, String)>,
}

impl Belongs {
    fn of(locale: Locale, seen: Household) -> Self {
        let line = |one: household::Seen| MemberLine {
            holder: one.person.to_string(),
            name: one.name,
            relationship: relationship_text(locale, one.relationship),
            since: locale.text_with("household-since", &[("day", &day(one.since))]),
            is_head: one.relationship == Relationship::Head,
        };
        let before = |(since, until, how)| (day(since), day(until), relationship_text(locale, how));
        Self {
            members: seen.members.into_iter().map(line).collect(),
            earlier: seen.earlier.into_iter().map(before).collect(),
        }
    }
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/holder.html")]
pub(super) struct HolderPage {
    pub(super) frame: Frame,
    pub(super) holder: String,
    pub(super) registered: String,
    pub(super) cards: Vec<CardLine>,
    pub(super) record: Option<Record>,
    pub(super) purposes: Vec<Choice>,
    /// The record was asked for without a purpose.
    pub(super) missing: bool,
    /// Readers at which a card can be issued.
    pub(super) desks: Vec<Choice>,
    /// A card was asked for without a reader.
    pub(super) no_desk: bool,
    /// Whether there is a photo.
    pub(super) has_photo: bool,
    /// How the agreement to what is done with the registration stands.
    pub(super) agreement: Tag,
    /// How the residence permit stands, if one was ever applied for.
    pub(super) permit: Option<Tag>,
    /// Its last day.
    pub(super) permit_until: Option<String>,
    /// The record to which this one points, since when, and who said so.
    pub(super) merged: Option<(String, String, String)>,
    /// Records that point to this one.
    pub(super) others: Vec<String>,
}

/// What the page of a holder is asked to show besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Nothing,
    WithoutPurpose,
    WithoutDesk,
    Record(Purpose),
}

async fn show_holder(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    holder: HolderId,
    ask: Ask,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let locale = language(headers);
    let mut connection = app.db.read().await?;
    let (registered, _) = residence::store::registration(&mut connection, holder)
        .await?
        .ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))?;
    let (mut lines, clock) = (Vec::new(), cards::expiry::rules::Clock::at(app.now()));
    for card in cards::store::of(&mut connection, Bearer::Holder(holder)).await? {
        let in_making = matches!(card.state, cards::CardState::Personalising | cards::CardState::Personalised);
        let state = clock.state(&card);
        let ends = matches!(state, cards::CardState::Active | cards::CardState::Suspended | cards::CardState::Expired)
            && clock.validity(card.expires_at) != Validity::Good;
        let number = card.card_id.to_string();
        lines.push(CardLine {
            short: short(&number),
            card: number,
            state: Tag::of_card(locale, state),
            expires: day(card.expires_at),
            renew: ends.then(|| {
                locale.text(if state == cards::CardState::Expired { "expiring-is-over" } else { "expiring-is-soon" })
            }),
            issuance: if in_making {
                issuance::store::of_card(&mut connection, card.card_id).await?.map(|id| id.to_string())
            } else {
                None
            },
        });
    }
    let permit = permit::store::current(&mut connection, holder).await?;
    let agreed = agreement::newest(app, &mut connection, holder).await?;
    let photo = photo::store::taken(&mut connection, holder).await?;
    let merged = merge::store::current(&mut connection, holder).await?;
    let others = merge::store::pointing_to(&mut connection, holder).await?;
    drop(connection);
    let record = match ask {
        Ask::Record(purpose) => Some(read(app, who, locale, holder, purpose).await?),
        _ => None,
    };
    let shown = HolderPage {
        frame: Frame::new(locale, format!("/holders/{holder}"), Some(&who.0)),
        holder: holder.to_string(),
        registered: minute(registered),
        cards: lines,
        record,
        purposes: Choice::of_person(locale, who.0.role.purposes()),
        missing: ask == Ask::WithoutPurpose,
        desks: desks(app, who.0.staff_id).await?,
        no_desk: ask == Ask::WithoutDesk,
        has_photo: photo.is_some(),
        agreement: agreement::view::tag(locale, agreed.as_ref()),
        permit: permit.as_ref().map(|one| permit::view::standing(locale, Clock::on(app.today()).standing(one))),
        merged: merged.map(|merged| (merged.into.to_string(), minute(merged.at), merged.staff)),
        others: others.iter().map(HolderId::to_string).collect(),
        permit_until: permit.and_then(|one| one.valid_until).map(|day| day.to_string()),
    };
    asking(&shown, matches!(ask, Ask::WithoutPurpose | Ask::WithoutDesk))
}

/// The readers at which somebody can do something with a holder beside the desk: those of their station, or all where they
/// work at none that has any.
pub async fn desks(app: &App, who: StaffId) -> Result<Vec<Choice>, Refusal> {
    let mut connection = app.db.read().await?;
    let mut terminals = terminals::store::all(&mut connection).await?;
    let works_at = member::store::one(&mut connection, who).await?.and_then(|member| member.post.organisation);
    // The holder agrees at the reader, so it must be one that may take that.
    terminals.retain(|terminal| {
        terminal.state == TerminalState::Active && terminal.operations.contains(&OperationCode::RegistrationConsent)
    });
    let is_own = |terminal: &terminals::Terminal| Some(terminal.organisation.organisation_id) == works_at;
    if terminals.iter().any(is_own) {
        terminals.retain(is_own);
    }
    let desk = |terminal: terminals::Terminal| Choice {
        hint: terminal.organisation.name,
        ..Choice::new(terminal.terminal_id.to_string(), terminal.name)
    };
    let mut desks: Vec<_> = terminals.into_iter().map(desk).collect();
    if let [only] = &mut desks[..] {
        only.chosen = true;
    }
    Ok(desks)
}

/// Reads the record; every field leaves a leaf.
async fn read(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    holder: HolderId,
    purpose: Purpose,
) -> Result<Record, Refusal> {
    who.require_purpose(purpose)?;
    let (shared, now, reader) = (app.clone(), app.now(), who.0.staff_id);
    let (residence::Record { facts, stays, photo }, belongs, signed) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // Whose name is shown is locked too, so the household goes first.
                let belongs = household::look(&shared, tx, reader, holder, purpose).await?;
                let record = residence::record(&shared, tx, now, reader, holder, purpose).await?;
                Ok((record, belongs, agreement::signer(&shared, tx, reader, holder, purpose).await?))
            })
        })
        .await?;
    let cell = house::path_text(&house::cell_of(&mut app.db.read().await?, holder).await?);
    let fact = |field: Field| (label(locale, field), shown(locale, field, facts.get(field)), field.name());
    let earlier = stays.into_iter().filter_map(|stay| Some((stay.address.to_string(), stay.since, stay.until?)));
    Ok(Record {
        purpose: reason(locale, purpose),
        facts: Field::ALL.map(fact).into(),
        cell,
        household: Belongs::of(locale, belongs),
        signer: signed.map(|signed| agreement::view::signer_text(locale, &signed)),
        earlier: earlier.collect(),
        photo: photo.map(|photo| photo::view::address(&photo)),
    })
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    show_holder(&app, &who, &headers, holder, Ask::Nothing).await
}

/// Reloading the page of a record does not read it again.
async fn back(Path(holder): Path<HolderId>) -> Redirect {
    Redirect::to(&format!("/holders/{holder}"))
}

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

async fn record(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Reason>,
) -> Result<Response, Refusal> {
    let ask = form.reason.as_deref().and_then(Purpose::from_name).map_or(Ask::WithoutPurpose, Ask::Record);
    show_holder(&app, &who, &headers, holder, ask).await
}

#[derive(Deserialize)]
struct NewCard {
    terminal_id: Option<String>,
    #[serde(default)]
    language: String,
}

async fn issue(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<NewCard>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let Some(terminal) = form.terminal_id.and_then(|id| id.parse::<TerminalId>().ok()) else {
        return show_holder(&app, &who, &headers, holder, Ask::WithoutDesk).await;
    };
    let reads = Locale::from_tag(&form.language).unwrap_or(Locale::ZhCn);
    let (_, issuance) = issuance::start(&app, who.0.staff_id, Bearer::Holder(holder), reads, terminal, None).await?;
    Ok(Redirect::to(&format!("/issuances/{issuance}")).into_response())
}
