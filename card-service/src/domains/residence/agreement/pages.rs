//! The pages about the agreement of a holder: how it stands, a form to print, a form that was signed, a withdrawal; and
//! the page of a registration on which the form is signed before anything is registered.

use axum::extract::{Form, FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::HolderId;
use serde::Deserialize;

use super::model::{FormNumber, Standing};
use super::rules::{self, Bounds, Typed, Wrong};
use super::view::{AGREEMENT, AgreementPage, At, FormPage, Witness, as_typed, signed_page, today, withdraw_page};
use super::{NotRecorded, Wish, new_form, newest, on_paper, print, record, withdraw};
use crate::app::App;
use crate::console::{asking, frame::Frame, overtaken, page};
use crate::domains::residence::model::Typed as Sent;
use crate::domains::residence::pages::{Desk, answer, may_register};
use crate::domains::residence::{self, merge, view::AskPage};
use crate::http::{self, Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::{Staff, member};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 5] {
    [
        ("/holders/{holder_id}/agreement", get(show)),
        ("/holders/{holder_id}/agreement/form", post(print_form).get(back)),
        ("/holders/{holder_id}/agreement/signed", get(ask_signed).post(signed)),
        ("/holders/{holder_id}/agreement/withdraw", get(ask_withdraw).post(withdrawn)),
        ("/registrations/{draft_id}/agreement", get(form_at_desk).post(signed_at_desk)),
    ]
}

/// A clerk at the agreement of a holder.
struct AtHolder {
    app: App,
    who: SignedIn,
    locale: Locale,
    holder: HolderId,
}

#[derive(Deserialize)]
struct HolderPath {
    holder_id: HolderId,
}

impl FromRequestParts<App> for AtHolder {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        may_register(&who)?;
        let http::Path(HolderPath { holder_id }) = http::Path::from_request_parts(parts, app).await?;
        residence::require_known(&mut app.db.read().await?, holder_id).await?;
        Ok(Self { app: app.clone(), who, locale: language(&parts.headers), holder: holder_id })
    }
}

/// What was typed of who signed, and when.
fn typed(sent: &Sent) -> Typed {
    let of = |name| answer(sent, name).to_owned();
    Typed { day: of("day"), signer: of("signer"), name: of("name") }
}

fn wish(sent: &Sent) -> Wish {
    // Who does not say what was known knew of nothing.
    Wish { typed: typed(sent), seen: answer(sent, "seen").parse().unwrap_or(0) }
}

async fn witness(app: &App, who: &Staff) -> Result<Witness, Refusal> {
    let station = member::store::station(&mut app.db.read().await?, who.staff_id).await?;
    Ok(Witness { station, name: who.name.clone() })
}

impl AtHolder {
    fn address(&self, of: &str) -> String {
        format!("/holders/{}/agreement{of}", self.holder)
    }

    fn frame(&self, of: &str) -> Frame {
        Frame::new(self.locale, self.address(of), Some(&self.who.0))
    }

    fn back(&self) -> Response {
        Redirect::to(&self.address("")).into_response()
    }

    /// What was recorded last, as a page says it of itself.
    async fn seen(&self) -> Result<i64, Refusal> {
        let said = on_paper(&mut self.app.db.read().await?, self.holder).await?;
        Ok(said.map_or(0, |said| said.at.0))
    }

    /// What became of something that was sent: goes back to how the agreement stands, or asks once more.
    fn done(
        &self,
        done: Result<(), NotRecorded>,
        seen: i64,
        again: impl Fn(&[Wrong]) -> AskPage,
    ) -> Result<Response, Refusal> {
        match done {
            Ok(()) => Ok(self.back()),
            Err(NotRecorded::Wrong(wrong)) => asking(&again(&wrong).knowing(seen.to_string()), true),
            // Sent once more, it is meant.
            Err(NotRecorded::Meanwhile(newest)) => {
                let again = again(&[]).knowing(newest.leaf.to_string());
                overtaken(&again.told("agreement-meanwhile", &newest))
            }
        }
    }
}

async fn show(at: AtHolder) -> Result<Response, Refusal> {
    let mut connection = at.app.db.read().await?;
    let said = newest(&at.app, &mut connection, at.holder).await?;
    let is_kept = merge::store::current(&mut connection, at.holder).await?.is_none();
    page(&AgreementPage::new(at.frame(""), at.holder, said.as_ref(), is_kept))
}

/// Reloading a form that was printed does not print another.
async fn back(http::Path(holder): http::Path<HolderId>) -> Redirect {
    Redirect::to(&format!("/holders/{holder}/agreement"))
}

async fn print_form(at: AtHolder) -> Result<Response, Refusal> {
    let form = new_form(&at.app).await?;
    let (shared, by, holder) = (at.app.clone(), at.who.0.staff_id, at.holder);
    let facts = at
        .app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { print(&shared, tx, by, holder, form).await }))
        .await?;
    let place = At {
        frame: at.frame("/form"),
        back: at.address(""),
        action: at.address("/signed"),
        button: "agreement-signed-button",
    };
    let witness = witness(&at.app, &at.who.0).await?;
    let asked = (&*form.number.to_string(), &today(at.app.today()), &[][..]);
    page(&FormPage::new(place, (form, &facts), &witness, at.seen().await?, asked))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    form: String,
}

async fn ask_signed(at: AtHolder, Query(Asked { form }): Query<Asked>) -> Result<Response, Refusal> {
    merge::require_primary(&mut at.app.db.read().await?, at.holder).await?;
    let form = as_typed(FormNumber::parse(&form), &form);
    let asked = signed_page(at.frame("/signed"), at.holder, &form, &today(at.app.today()), &[]);
    page(&asked.knowing(at.seen().await?.to_string()))
}

async fn signed(at: AtHolder, Form(sent): Form<Sent>) -> Result<Response, Refusal> {
    let (wished, number) = (wish(&sent), FormNumber::parse(answer(&sent, "form")));
    let (shared, by, holder, wish) = (at.app.clone(), at.who.0.clone(), at.holder, wished.clone());
    let recorded = at.app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { record(&shared, tx, &by, holder, (number, &wish)).await })
    });
    let again = |wrong: &[Wrong]| {
        let form = as_typed(number, answer(&sent, "form"));
        signed_page(at.frame("/signed"), holder, &form, &wished.typed, wrong)
    };
    at.done(recorded.await?, wished.seen, again)
}

async fn ask_withdraw(at: AtHolder) -> Result<Response, Refusal> {
    let said = newest(&at.app, &mut at.app.db.read().await?, at.holder).await?;
    if said.is_none_or(|said| said.standing == Standing::Withdrawn) {
        return Ok(at.back());
    }
    let asked = withdraw_page(at.frame("/withdraw"), at.holder, &today(at.app.today()), &[]);
    page(&asked.knowing(at.seen().await?.to_string()))
}

async fn withdrawn(at: AtHolder, Form(sent): Form<Sent>) -> Result<Response, Refusal> {
    let wished = wish(&sent);
    let (shared, by, holder, wish) = (at.app.clone(), at.who.0.clone(), at.holder, wished.clone());
    let recorded = at
        .app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { withdraw(&shared, tx, &by, holder, &wish).await }));
    let again = |wrong: &[Wrong]| withdraw_page(at.frame("/withdraw"), holder, &wished.typed, wrong);
    at.done(recorded.await?, wished.seen, again)
}

/// The form of somebody who is about to be registered: what stands on it is what the clerk has typed.
async fn form_at_desk(desk: Desk) -> Result<Response, Refusal> {
    let typed = today(desk.app.today());
    at_desk(desk, None, &typed).await
}

async fn signed_at_desk(desk: Desk, Form(sent): Form<Sent>) -> Result<Response, Refusal> {
    let typed = typed(&sent);
    at_desk(desk, Some(answer(&sent, "form")), &typed).await
}

/// Shows the form, with what is wrong in what was sent, or registers the person.
async fn at_desk(desk: Desk, sent: Option<&str>, typed: &Typed) -> Result<Response, Refusal> {
    let kept = desk.load().await?;
    let facts = match desk.whole(&kept).await? {
        Ok(facts) => facts,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let Some(form) = kept.form else { return Ok(desk.to("check")) };
    let mut wrong = Vec::new();
    let number = form.number.to_string();
    if let Some(sent) = sent {
        let of_form = match FormNumber::parse(sent) {
            None => Some("agreement-form-bad"),
            Some(number) if number != form.number => Some("agreement-form-of-another"),
            Some(_) => None,
        };
        wrong.extend(of_form.map(|key| Wrong::at("form", key)));
        let today = desk.app.today();
        let since = Some((form.day(), "agreement-day-printed"));
        match rules::check(typed, &Bounds { birth: rules::birth(&facts, today), since, today }) {
            Ok(statement) if wrong.is_empty() => return desk.register(kept, facts, Some((form, statement))).await,
            Ok(_) => {}
            Err(more) => wrong.extend(more),
        }
    }
    let place = At {
        frame: desk.frame(AGREEMENT),
        back: desk.address("check"),
        action: desk.address(AGREEMENT),
        button: "agreement-register",
    };
    let witness = witness(&desk.app, &desk.who.0).await?;
    let asked = (sent.unwrap_or(&number), typed, &wrong[..]);
    let shown = FormPage::new(place, (form, &facts), &witness, 0, asked);
    asking(&shown, shown.is_wrong())
}
