//! The pages on which a spreadsheet is sent, looked at, registered and taken back.

use axum::extract::{DefaultBodyLimit, Form, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::wire::ProblemType;
use serde::Deserialize;
use uuid::Uuid;

use super::model::{Import, Outcome, Stage};
use super::view::{ImportPage, ImportsPage, Progress, ROWS_SHOWN, Shown, rejected_sheet};
use super::{Wish, begin, key, load, open, sheet, store, wish, workbook};
use crate::app::App;
use crate::console::input::{NoFile, file};
use crate::console::{asking, frame::Frame, live};
use crate::http::{self, Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::{Permission, Purpose, Staff};
use crate::sheet::{MAX_BYTES, Unusable};

/// The type of an xlsx file.
pub const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 6] {
    let send = post(send).layer(DefaultBodyLimit::max(MAX_BYTES + NoFile::FORM_BYTES));
    [
        ("/imports", get(imports).merge(send)),
        ("/imports/template.xlsx", get(template)),
        ("/imports/{import_id}", get(show).post(change)),
        ("/imports/{import_id}/events", get(events)),
        ("/imports/{import_id}/rejected.xlsx", get(rejected)),
        ("/imports/{import_id}/undo", get(ask_to_undo).post(undo)),
    ]
}

fn may_import(who: &SignedIn) -> Result<(), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Registration)
}

async fn listed(app: &App, locale: Locale, who: &Staff, wrong: Option<&Unusable>) -> Result<Response, Refusal> {
    let imports = store::of_staff(&mut app.db.read().await?, who.staff_id).await?;
    asking(&ImportsPage::new(Frame::new(locale, "/imports", Some(who)), &imports, wrong), wrong.is_some())
}

async fn imports(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    may_import(&who)?;
    listed(&app, language(&headers), &who.0, None).await
}

async fn send(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    may_import(&who)?;
    let read = match file(request, "sheet").await {
        Ok(file) => tokio::task::spawn_blocking(move || sheet::read(&file)).await.map_err(Refusal::internal)?,
        Err(NoFile::Missing) => Err(Unusable { key: "import-file-missing", at: String::new() }),
        Err(NoFile::TooLarge) => Err(Unusable { key: "import-too-large", at: (MAX_BYTES >> 20).to_string() }),
    };
    match read {
        Ok(lines) => {
            let id = begin(&app, who.0.staff_id, &lines).await?;
            Ok(Redirect::to(&format!("/imports/{id}")).into_response())
        }
        Err(wrong) => listed(&app, language(&headers), &who.0, Some(&wrong)).await,
    }
}

/// A file that is kept where the browser keeps files.
pub fn download(name: &str, kind: &'static str, file: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], file).into_response()
}

async fn template(who: SignedIn) -> Result<Response, Refusal> {
    may_import(&who)?;
    Ok(download("new-residents.xlsx", SHEET, workbook::template().map_err(Refusal::internal)?))
}

/// A clerk at an import of their own.
struct Desk {
    app: App,
    who: SignedIn,
    locale: Locale,
    import: Import,
}

#[derive(Deserialize)]
struct ImportPath {
    import_id: Uuid,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        may_import(&who)?;
        let http::Path(ImportPath { import_id }) = http::Path::from_request_parts(parts, app).await?;
        let import = load(app, who.0.staff_id, import_id).await?;
        Ok(Self { app: app.clone(), who, locale: language(&parts.headers), import })
    }
}

impl Desk {
    fn address(&self) -> String {
        format!("/imports/{}", self.import.import_id)
    }

    /// The first rows with some outcomes, opened.
    async fn rows(&self, outcomes: impl Iterator<Item = Outcome>, limit: u32) -> Result<Vec<Shown>, Refusal> {
        let id = self.import.import_id;
        let rows = store::rows(&mut self.app.db.read().await?, id, outcomes, limit).await?;
        let key = key(&self.app, id)?;
        let shown = |row: store::Kept| {
            let facts = open(&key, id, &row)?;
            Ok(Shown { line: row.line, outcome: row.outcome, facts, holder: row.holder })
        };
        rows.into_iter().map(shown).collect()
    }

    async fn shown(&self, wrong: Option<String>) -> Result<Response, Refusal> {
        let counts = store::counts(&mut self.app.db.read().await?, self.import.import_id).await?;
        let outcomes = Outcome::ALL.into_iter().filter(|outcome| match outcome {
            Outcome::Registered | Outcome::Kept => self.import.stage.work().is_none(),
            outcome => outcome.is_rejected(),
        });
        let rows = self.rows(outcomes, ROWS_SHOWN).await?;
        let frame = Frame::new(self.locale, self.address(), Some(&self.who.0));
        let is_wrong = wrong.is_some();
        asking(&ImportPage::new(frame, self.import, &counts, &rows, wrong, self.app.today()), is_wrong)
    }

    async fn wish(&self, wished: Wish) -> Result<Response, Refusal> {
        match wish(&self.app, self.who.0.staff_id, self.import.import_id, wished).await {
            Ok(()) if wished == Wish::Discard => Ok(Redirect::to("/imports").into_response()),
            Ok(()) => Ok(Redirect::to(&self.address()).into_response()),
            Err(refusal) if refusal.kind() == ProblemType::Conflict => {
                let text = refusal.text(self.locale);
                self.shown(Some(text)).await
            }
            Err(refusal) => Err(refusal),
        }
    }
}

async fn show(desk: Desk) -> Result<Response, Refusal> {
    desk.shown(None).await
}

#[derive(Deserialize)]
struct Chosen {
    what: Option<String>,
}

async fn change(desk: Desk, Form(chosen): Form<Chosen>) -> Result<Response, Refusal> {
    match chosen.what.as_deref() {
        Some("all") => desk.wish(Wish::All).await,
        Some("good") => desk.wish(Wish::Good).await,
        Some("discard") => desk.wish(Wish::Discard).await,
        _ => desk.shown(Some(desk.locale.text("import-choose"))).await,
    }
}

async fn ask_to_undo(desk: Desk) -> Redirect {
    Redirect::to(&desk.address())
}

async fn undo(desk: Desk) -> Result<Response, Refusal> {
    desk.wish(Wish::Undo).await
}

async fn events(desk: Desk) -> Response {
    let (locale, by, id) = (desk.locale, desk.who.0.staff_id, desk.import.import_id);
    live::events(desk.app, move |app| async move {
        let import = load(&app, by, id).await?;
        let counts = store::counts(&mut app.db.read().await?, id).await?;
        Ok(Progress::new(locale, import, &counts))
    })
}

async fn rejected(desk: Desk) -> Result<Response, Refusal> {
    if desk.import.stage == Stage::Checking {
        return Err(Refusal::because(ProblemType::Conflict, "import-not-now"));
    }
    let rows = desk.rows(Outcome::ALL.into_iter().filter(|outcome| outcome.is_rejected()), u32::MAX).await?;
    let (locale, today) = (desk.locale, desk.app.today());
    let file = tokio::task::spawn_blocking(move || rejected_sheet(locale, rows, today)).await;
    Ok(download("to-mend.xlsx", SHEET, file.map_err(Refusal::internal)?.map_err(Refusal::internal)?))
}
