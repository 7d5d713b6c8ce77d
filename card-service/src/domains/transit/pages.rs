//! Fares for whoever sets them: the versions, one of them, and a new one, which is uploaded, looked at and then taken.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::date::Date;
use card_schema::wire::ProblemType;

use super::feed::{MAX_BYTES, MAX_SUPPLEMENT_BYTES};
use super::import::{self, Ready, Unusable};
use super::store;
use super::view::{self, CHECK, CheckPage, LIST, NEW};
use super::waiting::{KEPT_MINUTES, Upload};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::{NoFile, files};
use crate::console::register::{FormPage, Typed, Wrong, typed};
use crate::console::{asking, overtaken, page};
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 4] {
    let upload = post(upload).layer(DefaultBodyLimit::max(MAX_BYTES + MAX_SUPPLEMENT_BYTES + NoFile::FORM_BYTES));
    [
        (LIST, get(list)),
        (NEW, get(blank).merge(upload)),
        (CHECK, get(check).post(answer)),
        ("/fares/{version}", get(show)),
    ]
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::SetFares)?;
    let all = store::versions(&mut app.db.read().await?).await?;
    page(&view::list(Frame::new(language(&headers), LIST, Some(&who.0)), &all, app.now()))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(number): Path<i64>,
) -> Result<Response, Refusal> {
    who.require(Permission::SetFares)?;
    let all = store::versions(&mut app.db.read().await?).await?;
    let version = all.iter().find(|version| version.number == number);
    let version = version.ok_or(Refusal::because(ProblemType::NotFound, "fares-unknown"))?;
    let tariff = import::tariff(&mut app.db.read().await?, number).await?;
    let frame = Frame::new(language(&headers), format!("{LIST}/{number}"), Some(&who.0));
    page(&view::version(frame, &all, version, &tariff, app.now()))
}

fn form(who: &SignedIn, headers: &HeaderMap, wrong: Wrong) -> FormPage {
    view::new_page(Frame::new(language(headers), NEW, Some(&who.0)), MAX_BYTES, wrong)
}

async fn blank(who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::SetFares)?;
    page(&form(&who, &headers, None))
}

async fn upload(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    who.require(Permission::SetFares)?;
    let again = |field, key| asking(&form(&who, &headers, Some((field, key))), true);
    let Some(_turn) = app.fare_uploads.turn() else {
        return overtaken(&form(&who, &headers, Some(("archive", "fares-busy"))));
    };
    let [archive, supplement] = match files(request, ["archive", "supplement"]).await {
        Ok(files) => files,
        Err(NoFile::TooLarge) => return again("archive", "fares-too-large"),
        Err(NoFile::Missing) => return again("archive", "fares-archive-missing"),
    };
    if archive.is_empty() {
        return again("archive", "fares-archive-missing");
    }
    if supplement.is_empty() {
        return again("supplement", "fares-supplement-missing");
    }
    let Ok(supplement) = String::from_utf8(supplement.to_vec()) else {
        return again("supplement", "fares-supplement-unreadable");
    };
    let read = tokio::task::spawn_blocking(move || Ready::read(&archive, supplement)).await;
    match read.map_err(Refusal::internal)? {
        Ok(ready) => {
            let (id, by, at) = (app.new_id(), who.0.staff_id, app.now());
            app.fare_uploads.keep(Upload { id, by, at, ready: Arc::new(ready) });
            Ok(Redirect::to(CHECK).into_response())
        }
        Err(Unusable::Wrong(report)) => {
            asking(&CheckPage::wrong(Frame::new(language(&headers), NEW, Some(&who.0)), &report), true)
        }
        Err(Unusable::TooLarge(_)) => again("archive", "fares-too-much"),
    }
}

fn checked(who: &SignedIn, headers: &HeaderMap, upload: &Upload, form: &Typed, wrong: Wrong) -> CheckPage {
    let frame = Frame::new(language(headers), CHECK, Some(&who.0));
    let until = upload.at.plus_seconds(KEPT_MINUTES * 60);
    let Ready { tariff, source, report, .. } = &*upload.ready;
    CheckPage::asking(frame, (upload.id, until), (tariff, source, report), form, wrong)
}

const GONE: Wrong = Some(("archive", "fares-gone"));

async fn check(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::SetFares)?;
    match app.fare_uploads.of(who.0.staff_id, app.now()) {
        Some(upload) => page(&checked(&who, &headers, &upload, &Typed::new(), None)),
        None => asking(&form(&who, &headers, GONE), true),
    }
}

/// The first day of service with the files that are to be taken; none where that is at once.
fn read(form: &Typed) -> Result<Option<Date>, (&'static str, &'static str)> {
    let from = match typed(form, "when") {
        "at_once" => None,
        "day" => Some(typed(form, "day").trim().parse().map_err(|_| ("day", "fares-day-bad"))?),
        _ => return Err(("when", "fares-when-missing")),
    };
    if typed(form, "take") == "yes" { Ok(from) } else { Err(("take", "fares-take-missing")) }
}

async fn answer(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(sent): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::SetFares)?;
    let (by, now) = (who.0.staff_id, app.now());
    let Some(upload) = app.fare_uploads.of(by, now) else {
        return asking(&form(&who, &headers, GONE), true);
    };
    // Whoever has uploaded something else meanwhile has to look at that.
    if typed(&sent, "upload") != upload.id.to_string() {
        return overtaken(&checked(&who, &headers, &upload, &Typed::new(), Some(("take", "fares-other"))));
    }
    if typed(&sent, "take") == "no" {
        app.fare_uploads.take(by, upload.id, now);
        return Ok(Redirect::to(LIST).into_response());
    }
    let again = |wrong| asking(&checked(&who, &headers, &upload, &sent, Some(wrong)), true);
    let from = match read(&sent) {
        Ok(from) => from,
        Err(wrong) => return again(wrong),
    };
    let Some(starts_at) = upload.ready.starts_at(from, now) else { return again(("day", "fares-day-past")) };
    // Who sends the form twice imports once.
    let Some(upload) = app.fare_uploads.take(by, upload.id, now) else {
        return Ok(Redirect::to(LIST).into_response());
    };
    let number = Arc::unwrap_or_clone(upload.ready).import(&app.db, now, starts_at, Some(by)).await?;
    Ok(Redirect::to(&format!("{LIST}/{number}")).into_response())
}

#[cfg(test)]
pub(crate) mod tests;
