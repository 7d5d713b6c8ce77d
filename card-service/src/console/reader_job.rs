//! Something that is being done with a card at a reader: how far it is, shown live where the browser runs scripts.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::CardId;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::frame::Frame;
use super::model::Tone;
use super::register::Link;
use super::view::{Tag, short};
use super::{find, live, page};
use crate::app::App;
use crate::cards::issuance::api::{Progress, WaitingFor};
use crate::cards::{self, Bearer, identification, issuance, unblock};
use crate::db::Connection;
use crate::domains::residence::merge;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::member::pages::one::sign_in_path;
use crate::people::model::Permission;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// A card is issued.
    Issuance(Uuid),
    /// A PIN is unblocked.
    Unblock(Uuid),
    /// A card says whose it is.
    Identification(Uuid),
}

impl Job {
    /// The address of its page.
    pub(super) fn address(self) -> String {
        match self {
            Self::Issuance(id) => format!("/issuances/{id}"),
            Self::Unblock(id) => format!("/unblocks/{id}"),
            Self::Identification(id) => format!("/identifications/{id}"),
        }
    }

    /// What the keys of its texts begin with.
    const fn texts(self) -> &'static str {
        match self {
            Self::Issuance(_) => "console-issuance",
            Self::Unblock(_) => "console-unblock",
            Self::Identification(_) => "console-identify",
        }
    }
}

/// The pages of this file.
pub(super) fn routes() -> impl Iterator<Item = (&'static str, MethodRouter<App>)> {
    let issuances = ["/issuances/{issuance_id}", "/issuances/{issuance_id}/events"];
    let unblocks = ["/unblocks/{unblock_id}", "/unblocks/{unblock_id}/events"];
    let identifications = ["/identifications/{identification_id}", "/identifications/{identification_id}/events"];
    let watched = [
        watched(issuances, Job::Issuance),
        watched(unblocks, Job::Unblock),
        watched(identifications, Job::Identification),
    ];
    watched.into_iter().flatten().chain([
        again("/issuances/{issuance_id}/resume", Job::Issuance),
        again("/unblocks/{unblock_id}/resume", Job::Unblock),
        end("/issuances/{issuance_id}/give-up", Job::Issuance),
        end("/unblocks/{unblock_id}/give-up", Job::Unblock),
    ])
}

/// The page of a job, and what changes on it.
fn watched([page, stream]: [&'static str; 2], job: fn(Uuid) -> Job) -> [(&'static str, MethodRouter<App>); 2] {
    [
        (
            page,
            get(move |State(app): State<App>, who: SignedIn, headers: HeaderMap, Path(id): Path<Uuid>| {
                show(app, who, headers, job(id))
            }),
        ),
        (
            stream,
            get(move |State(app): State<App>, who: SignedIn, headers: HeaderMap, Path(id): Path<Uuid>| {
                events(app, who, headers, job(id))
            }),
        ),
    ]
}

/// Takes a job up again.
fn again(path: &'static str, job: fn(Uuid) -> Job) -> (&'static str, MethodRouter<App>) {
    let resumed = move |State(app): State<App>, who: SignedIn, headers: HeaderMap, Path(id): Path<Uuid>| {
        resume(app, who, headers, job(id))
    };
    (path, post(resumed).get(move |Path(id): Path<Uuid>| async move { Redirect::to(&job(id).address()) }))
}

/// Ends a job for which nobody comes back.
fn end(path: &'static str, job: fn(Uuid) -> Job) -> (&'static str, MethodRouter<App>) {
    let given_up = move |State(app): State<App>, who: SignedIn, headers: HeaderMap, Path(id): Path<Uuid>| {
        give_up(app, who, headers, job(id))
    };
    (path, post(given_up).get(move |Path(id): Path<Uuid>| async move { Redirect::to(&job(id).address()) }))
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/reader_job.html")]
pub(super) struct JobPage {
    pub(super) frame: Frame,
    pub(super) title: String,
    /// Where one comes from.
    back: Link,
    pub(super) progress: JobProgress,
}

impl JobPage {
    pub(super) fn new(frame: Frame, job: Job, progress: JobProgress) -> Self {
        let (to, text) = match (job, progress.bearer) {
            (Job::Identification(_), _) | (_, None) => (find::TAP.to_owned(), "find-title"),
            (_, Some(bearer @ Bearer::Holder(_))) => (page_of(bearer), "console-holder-title"),
            (_, Some(bearer @ Bearer::Staff(_))) => (page_of(bearer), "staff-title"),
        };
        let back = Link { to, text: frame.t(text) };
        Self { title: frame.t(&format!("{}-title", job.texts())), back, frame, progress }
    }
}

/// How a job stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// Whose card it is, and which, once that is known.
    pub(super) card: Option<(Bearer, CardId)>,
    pub(super) state: Progress,
    pub(super) waiting_for: Option<WaitingFor>,
    /// Why it stopped, for people.
    pub(super) reason: Option<String>,
    pub(super) done: u32,
    pub(super) total: u32,
    /// Whether somebody may end it before it is done.
    pub(super) may_give_up: bool,
}

/// The part that changes while somebody looks.
#[derive(Debug, PartialEq, Eq, Template)]
#[template(path = "console/reader_job_progress.html")]
pub(super) struct JobProgress {
    address: String,
    bearer: Option<Bearer>,
    card: Option<String>,
    state: Tag,
    next: String,
    reason: Option<String>,
    steps: String,
    done: u32,
    total: u32,
    is_over: bool,
    /// The slip about it, where one is printed.
    slip: Option<Link>,
    /// Where to go on when it is over.
    on: Link,
    /// What taking it up again is called, and whether that is to be done.
    resume: String,
    may_resume: bool,
    /// What ending it is called and what follows from that, where it may be done.
    give_up: Option<(String, String)>,
}

impl live::Part for JobProgress {
    fn is_over(&self) -> bool {
        self.is_over
    }
}

impl JobProgress {
    pub(super) fn new(locale: Locale, job: Job, standing: Standing) -> Self {
        let (state, tone) = match standing.state {
            Progress::Running => ("running", Tone::Wait),
            Progress::Waiting => ("waiting", Tone::Wait),
            Progress::Finished => ("finished", Tone::Ok),
            Progress::Failed => ("failed", Tone::No),
        };
        let next = standing.waiting_for.map_or(state, |waiting| match waiting {
            WaitingFor::Card => "for-card",
            WaitingFor::CardBack => "for-card-back",
            WaitingFor::Reader => "for-reader",
            WaitingFor::NewPin => "for-new-pin",
            WaitingFor::Pin => "for-pin",
            WaitingFor::Consent => "for-consent",
            WaitingFor::ConsentTap => "for-consent-tap",
            WaitingFor::Resume => "for-resume",
        });
        let own = |key: &str| locale.text(&format!("{}-{key}", job.texts()));
        let shared = |key: &str| locale.text(&format!("console-job-{key}"));
        let at_work = matches!(standing.state, Progress::Running | Progress::Waiting);
        let (bearer, card) = standing.card.unzip();
        let on = match (job, bearer) {
            (Job::Identification(_), Some(bearer)) => Link { to: page_of(bearer), text: own("on") },
            (_, Some(bearer @ Bearer::Holder(_))) => Link { to: page_of(bearer), text: shared("back") },
            (_, Some(bearer @ Bearer::Staff(_))) => Link { to: page_of(bearer), text: shared("back-to-staff") },
            (_, None) => Link { to: find::TAP.to_owned(), text: own("again") },
        };
        Self {
            address: job.address(),
            state: Tag { text: if at_work { shared(state) } else { own(state) }, tone },
            next: own(&format!("next-{next}")),
            bearer,
            card: card.map(|card| short(&card.to_string())),
            reason: standing.reason,
            steps: shared("steps"),
            done: standing.done,
            total: standing.total,
            is_over: !at_work,
            slip: (standing.state == Progress::Finished
                && !matches!((job, bearer), (Job::Identification(_), _) | (_, Some(Bearer::Staff(_)))))
            .then(|| Link { to: format!("{}/slip", job.address()), text: locale.text("slip-print") }),
            on,
            resume: shared("resume"),
            may_resume: standing.waiting_for == Some(WaitingFor::Resume),
            give_up: standing.may_give_up.then(|| (own("give-up"), own("give-up-hint"))),
        }
    }
}

/// Where somebody goes on whose card it is.
fn page_of(bearer: Bearer) -> String {
    match bearer {
        Bearer::Holder(holder) => format!("/holders/{holder}"),
        Bearer::Staff(staff) => sign_in_path(staff),
    }
}

/// How a job stands, for whoever may do it.
async fn look(app: &App, who: &SignedIn, locale: Locale, job: Job) -> Result<JobProgress, Refusal> {
    let mut connection = app.db.read().await?;
    let standing = match job {
        Job::Issuance(id) => {
            let look = issuance::api::look(&mut connection, id).await?;
            let found = look.reply();
            Standing {
                card: Some((look.card.bearer, found.card_id)),
                state: found.state,
                waiting_for: found.waiting_for,
                reason: look.reason(locale),
                done: found.steps_done,
                total: found.steps_total,
                may_give_up: matches!(found.state, Progress::Running | Progress::Waiting),
            }
        }
        Job::Unblock(id) => of_unblock(locale, unblock::look(&mut connection, id).await?),
        Job::Identification(id) => {
            of_identification(&mut connection, locale, identification::look(app, who.0.staff_id, id)?).await?
        }
    };
    who.require(standing.card.map_or(Permission::ServeHolders, |(bearer, _)| bearer.permission()))?;
    Ok(JobProgress::new(locale, job, standing))
}

fn of_unblock(locale: Locale, unblock::Look { unblock, bearer }: unblock::Look) -> Standing {
    let asked = &unblock.journal.asked;
    let (state, waiting_for) = match asked {
        unblock::Want::ReadCard => (Progress::Waiting, Some(WaitingFor::read_card(unblock.journal.away))),
        unblock::Want::Unblock => (Progress::Waiting, Some(WaitingFor::NewPin)),
        unblock::Want::Prove { .. } | unblock::Want::ReplacePuk { .. } => (Progress::Running, None),
        unblock::Want::Finished => (Progress::Finished, None),
        unblock::Want::Failed { failure } if failure.may_resume() => (Progress::Waiting, Some(WaitingFor::Resume)),
        unblock::Want::Failed { .. } => (Progress::Failed, None),
    };
    let reason = match asked {
        unblock::Want::Failed { failure } => Some(locale.text(failure.text_key())),
        _ => None,
    };
    Standing {
        card: Some((bearer, unblock.card_id)),
        state,
        waiting_for,
        reason,
        done: unblock.number,
        total: match state {
            Progress::Finished | Progress::Failed => unblock.number,
            Progress::Running | Progress::Waiting => unblock::STEPS_EXPECTED.max(unblock.number + 1),
        },
        // One that has stopped keeps no reader waiting.
        may_give_up: unblock.open,
    }
}

async fn of_identification(
    connection: &mut Connection,
    locale: Locale,
    identification::Look { progress, done }: identification::Look,
) -> Result<Standing, Refusal> {
    let mut standing = Standing {
        card: None,
        state: Progress::Running,
        waiting_for: None,
        reason: None,
        done,
        total: identification::STEPS_EXPECTED.max(done),
        // Nothing is done to a card, and whoever begins something else does not wait for it.
        may_give_up: false,
    };
    match progress {
        identification::Progress::WaitsForCard => {
            (standing.state, standing.waiting_for) = (Progress::Waiting, Some(WaitingFor::Card));
        }
        identification::Progress::Running => {}
        identification::Progress::Found(card) => {
            let found = cards::store::one(connection, card).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
            // Of two records of one person, the one under which that person is found.
            let holder = found.bearer.holder().ok_or(Refusal::new(ProblemType::NotFound))?;
            standing.card = Some((Bearer::Holder(merge::primary(connection, holder).await?), card));
            standing.state = Progress::Finished;
        }
        identification::Progress::Failed(failure) => {
            (standing.state, standing.reason) = (Progress::Failed, Some(locale.text(failure.text_key())));
        }
    }
    Ok(standing)
}

async fn show(app: App, who: SignedIn, headers: HeaderMap, job: Job) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let locale = language(&headers);
    let progress = look(&app, &who, locale, job).await?;
    page(&JobPage::new(Frame::new(locale, job.address(), Some(&who.0)), job, progress))
}

async fn events(app: App, who: SignedIn, headers: HeaderMap, job: Job) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let locale = language(&headers);
    look(&app, &who, locale, job).await?;
    Ok(live::events(app, move |app| {
        let who = who.clone();
        async move { look(&app, &who, locale, job).await }
    }))
}

async fn resume(app: App, who: SignedIn, headers: HeaderMap, job: Job) -> Result<Redirect, Refusal> {
    who.require(Permission::ServeHolders)?;
    look(&app, &who, language(&headers), job).await?;
    match job {
        Job::Issuance(id) => issuance::resume(&app, id).await?,
        Job::Unblock(id) => unblock::resume(&app, id).await?,
        // Nothing was done that could go on: it is begun anew.
        Job::Identification(_) => return Ok(Redirect::to(find::TAP)),
    }
    Ok(Redirect::to(&job.address()))
}

async fn give_up(app: App, who: SignedIn, headers: HeaderMap, job: Job) -> Result<Redirect, Refusal> {
    who.require(Permission::ServeHolders)?;
    look(&app, &who, language(&headers), job).await?;
    match job {
        Job::Issuance(id) => issuance::give_up(&app, who.0.staff_id, id).await?,
        Job::Unblock(id) => unblock::give_up(&app, id).await?,
        Job::Identification(_) => return Err(Refusal::new(ProblemType::NotFound)),
    }
    Ok(Redirect::to(&job.address()))
}

#[cfg(test)]
pub(super) mod tests {
    use card_schema::ids::{HolderId, Shard};

    use super::*;

    /// What an issuance may be seen at.
    fn issuances() -> [(&'static str, Progress, Option<WaitingFor>); 11] {
        let waiting = |name, waiting| (name, Progress::Waiting, Some(waiting));
        [
            ("running", Progress::Running, None),
            waiting("card", WaitingFor::Card),
            waiting("card-back", WaitingFor::CardBack),
            waiting("reader", WaitingFor::Reader),
            waiting("new-pin", WaitingFor::NewPin),
            waiting("pin", WaitingFor::Pin),
            waiting("consent", WaitingFor::Consent),
            waiting("consent-tap", WaitingFor::ConsentTap),
            waiting("resume", WaitingFor::Resume),
            ("finished", Progress::Finished, None),
            ("failed", Progress::Failed, None),
        ]
    }

    /// The page of every job in every state that it has.
    pub(in crate::console) fn pages(locale: Locale, frame: &dyn Fn(&str) -> Frame) -> Vec<(String, String)> {
        let mut pages = Vec::new();
        for (name, state, waiting_for) in issuances() {
            let reason = matches!(state, Progress::Failed).then(|| locale.text("issue-card-errors"));
            let standing = Standing {
                card: Some((Bearer::Holder(HolderId::new(Shard(3), [8; 16])), CardId::new(1204, Shard(3), [7; 16]))),
                state,
                waiting_for,
                reason,
                done: 9,
                total: 24,
                may_give_up: matches!(state, Progress::Running | Progress::Waiting),
            };
            let jobs = [
                ("issuance", Job::Issuance(Uuid::nil())),
                ("unblock", Job::Unblock(Uuid::nil())),
                ("identify", Job::Identification(Uuid::nil())),
            ];
            for (kind, job) in jobs {
                let is_asked = match job {
                    Job::Issuance(_) => true,
                    Job::Unblock(_) => {
                        !matches!(waiting_for, Some(WaitingFor::Pin | WaitingFor::Consent | WaitingFor::ConsentTap))
                    }
                    Job::Identification(_) => matches!(waiting_for, None | Some(WaitingFor::Card)),
                };
                if !is_asked {
                    continue;
                }
                let mut standing = standing.clone();
                if kind == "identify" {
                    standing.may_give_up = false;
                    standing.card = standing.card.filter(|_| state == Progress::Finished);
                }
                let progress = JobProgress::new(locale, job, standing);
                let page = JobPage::new(frame(&job.address()), job, progress);
                pages.push((format!("{kind}-{name}"), page.render().unwrap()));
            }
        }
        pages
    }
}
