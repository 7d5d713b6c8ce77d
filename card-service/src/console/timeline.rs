//! Everything that was done with one person's record, permits, papers and cards, in one order, for somebody who says why.
//! What the card is used for is not in it: nobody is followed.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::HolderId;

use super::frame::Frame;
use super::history::{Line, newest};
use super::input::Input;
use super::register::{FormPage, Link, Typed, Wrong, message, typed};
use super::view::{Choice, reason, short};
use super::{card_desk, gate_desk, page};
use crate::app::App;
use crate::cards::{self, Bearer, deed};
use crate::db::Connection;
use crate::domains::residence::view::history;
use crate::domains::residence::{self, agreement, household, merge, paper, permit, photo};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::model::Permission;

/// How many lines are shown.
const SHOWN: u32 = 150;
/// How many reads are looked at: many are of one record at once.
const READS: u32 = 2_000;

/// The page of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/holders/{holder_id}/timeline", get(ask).post(show))]
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/timeline.html")]
pub(super) struct TimelinePage {
    pub(super) frame: Frame,
    pub(super) holder: String,
    pub(super) lines: Vec<Line>,
    pub(super) more: bool,
    /// Why it was asked for.
    pub(super) purpose: String,
}

fn address(holder: HolderId) -> String {
    format!("/holders/{holder}/timeline")
}

fn asking(who: &SignedIn, locale: Locale, holder: HolderId, wrong: Wrong) -> Result<Response, Refusal> {
    let purposes = Choice::of_person(locale, who.0.role.purposes());
    let why = Input::choice("reason", locale.text("timeline-ask"), purposes, "");
    FormPage {
        frame: Frame::new(locale, address(holder), Some(&who.0)),
        back: Some(Link { to: format!("/holders/{holder}"), text: locale.text("console-holder-title") }),
        action: address(holder),
        title: locale.text("timeline-title"),
        lead: locale.text("timeline-lead"),
        inputs: vec![why.wrong(message(locale, wrong, "reason"))],
        button: locale.text("timeline-button"),
    }
    .answer()
}

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    residence::require_known(&mut app.db.read().await?, holder).await?;
    asking(&who, language(&headers), holder, None)
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let locale = language(&headers);
    let Some(purpose) = Purpose::from_name(typed(&form, "reason")) else {
        return asking(&who, locale, holder, Some(("reason", "console-purpose-missing")));
    };
    who.require_purpose(purpose)?;
    let (shared, now, reader) = (app.clone(), app.now(), who.0.staff_id);
    let homes = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { residence::homes(&shared, tx, now, reader, holder, purpose).await })
        })
        .await?;
    let mut lines: Vec<_> = homes.iter().filter_map(|stay| history::moved_in(locale, stay)).collect();
    let mut connection = app.db.read().await?;
    lines.extend(of_record(&mut connection, locale, holder).await?);
    lines.extend(of_papers(&mut connection, locale, holder).await?);
    lines.extend(gate_desk::history(&mut connection, locale, holder).await?);
    lines.extend(of_cards(&mut connection, locale, holder).await?);
    let reads = residence::store::reads(&mut connection, holder, READS).await?;
    lines.extend(history::reads(locale, &reads));
    let (lines, more) = newest(lines, SHOWN as usize);
    page(&TimelinePage {
        frame: Frame::new(locale, address(holder), Some(&who.0)),
        holder: holder.to_string(),
        lines,
        more,
        purpose: reason(locale, purpose),
    })
}

/// What became of the record: registered, changed, in a household, another of somebody's.
async fn of_record(connection: &mut Connection, locale: Locale, holder: HolderId) -> Result<Vec<Line>, Refusal> {
    let line = |at, what: &str, who| Line::at(at, locale.text(what), String::new(), who);
    let mut lines = Vec::new();
    if let Some((at, who)) = residence::store::registration(&mut *connection, holder).await? {
        lines.push(line(at, "timeline-registered", who));
    }
    lines.extend(history::changes(locale, &residence::store::history(&mut *connection, holder, SHOWN).await?));
    if let Some((at, who)) = photo::store::taken(&mut *connection, holder).await? {
        lines.push(line(at, "timeline-photo", who));
    }
    for (at, who, ended) in household::store::history(&mut *connection, holder, SHOWN).await? {
        lines.push(household::view::line(locale, at, who, ended));
    }
    for past in agreement::store::history(&mut *connection, holder, SHOWN).await? {
        lines.push(agreement::view::line(locale, past));
    }
    for (at, act, who, why) in merge::store::history(&mut *connection, holder, SHOWN).await? {
        lines.push(super::merge::line(locale, at, act, who, &why));
    }
    Ok(lines)
}

/// What was done with residence permits and with what was printed.
async fn of_papers(connection: &mut Connection, locale: Locale, holder: HolderId) -> Result<Vec<Line>, Refusal> {
    let permits = permit::store::acts(&mut *connection, holder, SHOWN).await?;
    let name = locale.text("permit-title");
    let mut lines: Vec<_> = permits.iter().map(|past| permit::view::line(locale, past).of(&name)).collect();
    let papers = paper::store::history(connection, holder, SHOWN).await?;
    lines.extend(papers.into_iter().map(|past| paper::view::line(locale, past)));
    Ok(lines)
}

/// What was done with cards.
async fn of_cards(connection: &mut Connection, locale: Locale, holder: HolderId) -> Result<Vec<Line>, Refusal> {
    let mut lines = Vec::new();
    for card in cards::store::of(&mut *connection, Bearer::Holder(holder)).await? {
        let name = format!("{} {}", locale.text("console-card-title"), short(&card.card_id.to_string()));
        let past = deed::store::history(&mut *connection, card.card_id, SHOWN).await?;
        lines.extend(past.into_iter().map(|past| card_desk::line(locale, past).of(&name)));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use card_schema::card::Slot;
    use card_schema::money::Fen;
    use card_schema::operation::{Operation, OperationCode, purse};

    use super::*;
    use crate::cards::CardState;
    use crate::domains::residence::model::{ChangeReason, Facts, Field};
    use crate::domains::residence::{Correction, Registration, change, register};
    use crate::people::StaffRole;
    use crate::terminals;
    use crate::testing::office;
    use crate::testing::town::{card_of, terminal_in};

    #[tokio::test]
    async fn a_timeline_has_what_was_done_with_a_person_for_whoever_says_why_and_nothing_of_where_the_card_is_used() {
        let office = office().await;
        let app = &office.app;
        let clerk = office.member("test-clerk", StaffRole::Clerk).await;
        let (session, by) = (office.session(&clerk).await, clerk.staff_id);
        let lived = Facts::default()
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, "T1234567")
            .with(Field::Name, "测试隐名")
            .with(Field::Address, "测试路 1 号")
            .with(Field::AddressSince, "2026-03-01")
            .with(Field::Home, "rented");
        let holder = register(app, by, Registration::of(lived.clone())).await.unwrap();
        let typed = lived.with(Field::Address, "测试路 2 号").with(Field::AddressSince, "2026-06-01");
        let fields = Field::Address.changed_with();
        let moved = Correction { fields, typed, reason: ChangeReason::Changed, cell: None, seen: 0 };
        let shared = app.clone();
        let moved = app
            .db
            .write::<_, Refusal, _>(move |tx| Box::pin(async move { change(&shared, tx, by, holder, &moved).await }));
        moved.await.unwrap().unwrap();
        let mut terminal = terminal_in(&app.db, &OperationCode::ALL).await;
        let card = card_of(&app.db, Bearer::Holder(holder), CardState::Active).await;
        let tap = terminal.tap(&card, Slot::Tap, Operation::PurseTopUp(purse::TopUp::cash(Fen(98_765))));
        office.intake.accept(terminal.id, &terminal.batch(&[tap])).await.unwrap();
        let because = cards::store::Because { reason: "holder_asked", by: Some(by) };
        let (now, id) = (app.now(), card.id);
        let suspended = app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                cards::store::lock(tx, id).await?;
                let found = cards::store::one(tx.conn(), id).await?.unwrap();
                Ok(cards::store::set_state(tx, now, &found, CardState::Suspended, because).await?)
            })
        });
        suspended.await.unwrap();

        let page = address(holder);
        let asks = office.browse(Some(&session), &page, None).await;
        assert!(asks.page.contains("reason-registration") && !asks.page.contains("测试路"), "{}", asks.page);
        for form in ["", "reason=curiosity", "reason=organisation_check"] {
            let refused = office.browse(Some(&session), &page, Some(form)).await;
            assert!(refused.status.is_client_error() && !refused.page.contains("测试路"), "{form}: {}", refused.page);
        }
        let reads = residence::store::reads(&mut app.db.read().await.unwrap(), holder, 10).await.unwrap();
        assert!(reads.is_empty(), "{reads:?}");
        let shown = office.browse(Some(&session), &page, Some("reason=complaint")).await;
        assert_eq!(shown.status, StatusCode::OK);
        let list = shown.page.split_once("id=\"history\"").unwrap().1.split_once("</ul>").unwrap().0;
        let lines: Vec<_> = list.split("<li").skip(1).collect();
        for (at, (what, why)) in [
            ("Read: Present address, Lives there since, what was done", "Complaint"),
            ("Suspended", "holder"),
            ("Present address, Lives there since", "moved"),
            ("Registered", ""),
            ("Card 00000000 · Active", ""),
            ("Card 00000000 · Put to issue", "first"),
            ("2026-06-01</span><strong>Moved in", "测试路 2 号"),
            ("2026-03-01</span><strong>Moved in", "测试路 1 号"),
        ]
        .into_iter()
        .enumerate()
        {
            assert!(lines[at].contains(what) && lines[at].contains(why), "{what}: {lines:#?}");
        }
        assert!(lines[..4].iter().all(|line| line.contains("test-clerk")), "{lines:#?}");
        assert_eq!(lines.len(), 8);
        let operator = terminals::store::one(&mut app.db.read().await.unwrap(), terminal.id).await.unwrap().unwrap();
        for used in ["987.65", "98765", &operator.name, &operator.organisation.name] {
            assert!(!shown.page.contains(used), "{used}");
        }
        let reads = residence::store::reads(&mut app.db.read().await.unwrap(), holder, 10).await.unwrap();
        let read: Vec<_> = reads.iter().rev().map(|(_, who, why, what)| [who.as_str(), why, what]).collect();
        let leaf = |what| ["test-clerk", "complaint", what];
        assert_eq!(read, ["address", "address_since", "timeline"].map(leaf));
    }
}
