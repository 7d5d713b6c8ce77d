//! The API of terminals: the office's side (public listener) and the terminal's own (mutual TLS).

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use card_schema::clock::Micros;
use card_schema::envelope::status_list::{self, Claims, StatusDelta, StatusList};
use card_schema::ids::{Shard, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::points::Terms;
use card_schema::wire::terminal::{
    EnrolmentReply, EnrolmentRequest, RenewalReply, RenewalRequest, TerminalProfile, Trust,
};
use card_schema::wire::{Bytes, ProblemType};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{RevocationReason, Terminal, TerminalState};
use super::{Code, NotAdded, code_hash, store, unknown};
use crate::app::App;
use crate::cards::status::Since;
use crate::db::{Connection, DbError};
use crate::domains::points;
use crate::http::tagged::Tag;
use crate::http::{Body, Path, Query, Refusal, SignedIn};
use crate::intake::TerminalIdentity;
use crate::keys::pki::TERMINAL_DAYS;
use crate::keys::{Role, envelope};
use crate::people::api::rfc3339;
use crate::people::model::Permission;
use crate::terminals;

const DAY_SECONDS: i64 = 86_400;
/// A certificate that is valid for longer is not renewed. Terminals ask when a third of its time is left.
const RENEWED_IN_DAYS: i64 = TERMINAL_DAYS / 2;

/// The routes for the office and for first contact.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add, list))
        .routes(routes!(give_code))
        .routes(routes!(revoke))
        .routes(routes!(enrol))
}

/// The routes on the listener for terminals.
pub fn terminal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(profile))
        .routes(routes!(renew))
        .routes(routes!(status_list))
        .routes(routes!(status_changes))
}

/// A terminal to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct New {
    #[schema(example = "Gate 3")]
    name: String,
    /// Who runs it; added if it is new.
    #[schema(example = "Test Village")]
    organisation: String,
    /// What it may submit.
    #[schema(example = json!(["gate.check"]))]
    operations: Vec<OperationCode>,
}

/// A terminal that waits for its enrolment.
#[derive(Serialize, ToSchema)]
struct CodeReply {
    terminal_id: TerminalId,
    /// For `reader-daemon enrol --code`. Works once, for a day. Shown once.
    #[schema(example = "7K2QH-94XWB-0TR5M-P3TCE")]
    enrolment_code: String,
}

impl CodeReply {
    fn new(code: &Code) -> Self {
        Self { terminal_id: code.terminal_id, enrolment_code: code.text.as_str().to_owned() }
    }
}

/// Add a terminal
#[utoipa::path(post, path = "/v1/terminals", tag = "terminals", request_body = New, responses(
    (status = 201, description = "Added; it enrols with the code", body = CodeReply)),
    extensions(("x-problems" = json!([
        (ProblemType::Forbidden, "Administrators and operators only"),
        (ProblemType::Conflict, "The organisation is closed"),
    ]))))]
async fn add(
    State(app): State<App>,
    who: SignedIn,
    Body(request): Body<New>,
) -> Result<(StatusCode, Json<CodeReply>), Refusal> {
    who.require(Permission::RunTerminals)?;
    let New { name, organisation, operations } = request;
    let new = terminals::New { name, organisation, operations };
    let code = terminals::add(&app, who.0.staff_id, new).await?.map_err(|why| match why {
        NotAdded::BadName | NotAdded::BadOrganisation => {
            Refusal::because(ProblemType::MalformedRequest, "terminal-name-bad")
        }
        NotAdded::Closed => Refusal::because(ProblemType::Conflict, "organisation-closed"),
    })?;
    Ok((StatusCode::CREATED, Json(CodeReply::new(&code))))
}

/// Give out another code for a terminal, as long as it is not revoked; those before it are good no longer
#[utoipa::path(post, path = "/v1/terminals/{terminal_id}/codes", tag = "terminals",
    params(("terminal_id" = Uuid, Path)), responses(
    (status = 201, description = "It enrols with the code, also anew", body = CodeReply)),
    extensions(("x-problems" = json!([
        (ProblemType::Forbidden, "Administrators and operators only"),
        (ProblemType::NotFound, "No such terminal"),
        (ProblemType::Conflict, "The terminal is revoked"),
    ]))))]
async fn give_code(
    State(app): State<App>,
    who: SignedIn,
    Path(terminal): Path<TerminalId>,
) -> Result<(StatusCode, Json<CodeReply>), Refusal> {
    who.require(Permission::RunTerminals)?;
    let code = terminals::give_code(&app, who.0.staff_id, terminal).await?;
    Ok((StatusCode::CREATED, Json(CodeReply::new(&code))))
}

/// A terminal as the office sees it.
#[derive(Serialize, ToSchema)]
struct TerminalReply {
    terminal_id: TerminalId,
    name: String,
    organisation: String,
    operations: Vec<OperationCode>,
    state: TerminalState,
    #[schema(format = DateTime)]
    certificate_until: Option<String>,
}

/// List terminals
#[utoipa::path(get, path = "/v1/terminals", tag = "terminals", responses(
    (status = 200, description = "Oldest first", body = Vec<TerminalReply>)))]
async fn list(State(app): State<App>, who: SignedIn) -> Result<Json<Vec<TerminalReply>>, Refusal> {
    who.require(Permission::SeeActivity)?;
    let terminals = store::all(&mut app.db.read().await?).await?;
    let reply = |terminal: Terminal| TerminalReply {
        terminal_id: terminal.terminal_id,
        name: terminal.name,
        organisation: terminal.organisation.name,
        operations: terminal.operations,
        state: terminal.state,
        certificate_until: terminal.certificate_until.map(rfc3339),
    };
    Ok(Json(terminals.into_iter().map(reply).collect()))
}

/// Why a terminal is revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Revocation {
    reason: RevocationReason,
}

/// Revoke a terminal for good
#[utoipa::path(post, path = "/v1/terminals/{terminal_id}/revoke", tag = "terminals", request_body = Revocation,
    params(("terminal_id" = Uuid, Path)), responses(
    (status = 204, description = "It may do nothing any more")),
    extensions(("x-problems" = json!([(ProblemType::NotFound, "No such terminal")]))))]
async fn revoke(
    State(app): State<App>,
    who: SignedIn,
    Path(terminal): Path<TerminalId>,
    Body(revocation): Body<Revocation>,
) -> Result<StatusCode, Refusal> {
    who.require(Permission::RunTerminals)?;
    terminals::revoke(&app, who.0.staff_id, terminal, revocation.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enrol: a terminal shows its one-time code and gets its certificate
#[utoipa::path(post, path = "/v1/enrolments", tag = "terminals", request_body = EnrolmentRequest, responses(
    (status = 201, description = "Certificate, chain and profile", body = EnrolmentReply)), security(()),
    extensions(("x-problems" = json!([(ProblemType::EnrolmentCode, "The code is wrong, used or expired")]))))]
async fn enrol(
    State(app): State<App>,
    Body(request): Body<EnrolmentRequest>,
) -> Result<(StatusCode, Json<EnrolmentReply>), Refusal> {
    let now = app.now();
    let hash = code_hash(&request.code);
    let shared = app.clone();
    let (certificate, profile) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let app = shared;
                let wrong = || Refusal::new(ProblemType::EnrolmentCode);
                let id = store::use_code(tx, now, hash).await?.ok_or_else(wrong)?;
                let terminal = store::load(tx, id).await?.ok_or_else(wrong)?;
                if terminal.state == TerminalState::Revoked {
                    return Err(wrong());
                }
                // A request that is refused undoes the transaction, so its code can be used again.
                let (key, certificate) = app.authorities.terminal(&*app.keys, id, &request.csr.0, now)?;
                store::enrol(tx, now, id, &key, &certificate, valid_until(now)).await?;
                let terms = terms_of(&app, tx.conn(), &terminal).await?;
                Ok((certificate.to_vec(), profile_of(&app, &terminal, terms)?))
            })
        })
        .await?;
    metrics::counter!("terminals_enrolled_total").increment(1);
    let reply = EnrolmentReply {
        certificate: Bytes(certificate),
        chain: vec![Bytes(app.authorities.terminal_ca.to_vec())],
        terminal_url: app.terminals_url.clone(),
        profile,
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

/// Renew: a terminal in use gets another certificate of the key that it has
///
/// As long as the newest is valid for long yet, that one is given once more: an answer may not have arrived.
#[utoipa::path(post, path = "/v1/certificates", tag = "terminal listener", request_body = RenewalRequest, responses(
    (status = 201, description = "The certificate to use from now on; the one before it stays valid to its end",
        body = RenewalReply)),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::Conflict, "The request is for another key: for that the terminal has to be enrolled anew"),
    ]))))]
async fn renew(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Body(request): Body<RenewalRequest>,
) -> Result<(StatusCode, Json<RenewalReply>), Refusal> {
    let (now, terminal) = (app.now(), active(&app, identity).await?);
    let id = terminal.terminal_id;
    let (key, certificate) = app.authorities.terminal(&*app.keys, id, &request.csr.0, now)?;
    if terminal.public_key != Some(key) {
        return Err(Refusal::because(ProblemType::Conflict, "terminal-other-key"));
    }
    let enough = now.plus_seconds(RENEWED_IN_DAYS * DAY_SECONDS);
    let certificate = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            let certificate = certificate.to_vec();
            Box::pin(async move {
                tx.lock([Shard(0)]).await?;
                // The terminal may have been revoked or enrolled anew since.
                let stranger = || Refusal::new(ProblemType::UnknownTerminal);
                let newest = store::certificate(tx, id, &key).await?.ok_or_else(stranger)?;
                if newest.until > enough {
                    return Ok(newest.der);
                }
                store::enrol(tx, now, id, &key, &certificate, valid_until(now)).await?;
                Ok(certificate)
            })
        })
        .await?;
    let chain = vec![Bytes(app.authorities.terminal_ca.to_vec())];
    Ok((StatusCode::CREATED, Json(RenewalReply { certificate: Bytes(certificate), chain })))
}

const fn valid_until(now: Micros) -> Micros {
    now.plus_seconds(TERMINAL_DAYS * DAY_SECONDS)
}

/// What this terminal may do and whom it trusts
#[utoipa::path(get, path = "/v1/profile", tag = "terminal listener", responses(
    (status = 200, description = "The profile", body = TerminalProfile)),
    extensions(("x-problems" = json!([(ProblemType::TerminalRevoked, "The terminal has been revoked")]))))]
async fn profile(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
) -> Result<Json<TerminalProfile>, Refusal> {
    let terminal = active(&app, identity).await?;
    let terms = terms_of(&app, &mut app.db.read().await?, &terminal).await?;
    Ok(Json(profile_of(&app, &terminal, terms)?))
}

/// The status of every card, as an IETF Token Status List in CWT form
#[utoipa::path(get, path = status_list::PATH, tag = "terminal listener", responses(
    (status = 200, description = "The list, at most an hour old; what has changed since is to be asked for as well",
        body = Vec<u8>, content_type = StatusList::TYPE,
        headers(("ETag" = String, description = "The list's version"))),
    (status = 304, description = "It is the one that is there already")),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list that is there already")),
    extensions(("x-problems" = json!([(ProblemType::TerminalRevoked, "The terminal has been revoked")]))))]
async fn status_list(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    active(&app, identity).await?;
    let list = app.status_lists.list(&app.db, app.now()).await?;
    let tag = Tag(list.version);
    Ok(tag.answer(StatusList::TYPE, (!tag.is_had(&headers)).then_some(list.token)))
}

/// The version of the status list that a terminal has.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Have {
    /// The version that it has.
    #[param(example = 41)]
    since: u64,
}

/// What has changed since a version of the status list, as a signed token
#[utoipa::path(get, path = "/v1/status-lists/cards/changes", tag = "terminal listener", params(Have), responses(
    (status = 200, description = "All changes, up to the newest", body = Vec<u8>, content_type = StatusDelta::TYPE),
    (status = 204, description = "There are none")),
    extensions(("x-problems" = json!([
        (ProblemType::TerminalRevoked, "The terminal has been revoked"),
        (ProblemType::NotFound, "There never was that version, or too much has changed since: the list is to be asked for"),
    ]))))]
async fn status_changes(
    State(app): State<App>,
    identity: Option<Extension<TerminalIdentity>>,
    Query(have): Query<Have>,
) -> Result<Response, Refusal> {
    active(&app, identity).await?;
    match app.status_lists.since(&app.db, have.since, app.now()).await? {
        Since::Nothing => Ok(StatusCode::NO_CONTENT.into_response()),
        Since::Changes(changes) => Ok(([(header::CONTENT_TYPE, StatusDelta::TYPE)], changes).into_response()),
        Since::Unknown => Err(Refusal::new(ProblemType::NotFound)),
    }
}

/// Refuses unless a terminal is enrolled and in use.
///
/// # Errors
/// `NotFound` where there is no such terminal, `Conflict` where it is not enrolled or revoked.
pub async fn require_active(connection: &mut Connection, terminal: TerminalId) -> Result<(), Refusal> {
    let found = store::one(connection, terminal).await?;
    match found.ok_or_else(unknown)?.state {
        TerminalState::Active => Ok(()),
        _ => Err(Refusal::because(ProblemType::Conflict, "terminal-not-active")),
    }
}

/// The terminal behind a request, unless it is unknown or revoked, or was enrolled anew with another key. That it was heard of is noted.
pub async fn active(app: &App, identity: Option<Extension<TerminalIdentity>>) -> Result<Terminal, Refusal> {
    let stranger = || Refusal::new(ProblemType::UnknownTerminal);
    let Extension(identity) = identity.ok_or_else(stranger)?;
    let terminal = store::one(&mut app.db.read().await?, identity.terminal).await?.ok_or_else(stranger)?;
    match terminal.state {
        TerminalState::Active if terminal.public_key != Some(identity.key) => Err(stranger()),
        TerminalState::Active => {
            app.heard.note(identity.terminal, app.now());
            Ok(terminal)
        }
        TerminalState::Revoked => Err(Refusal::new(ProblemType::TerminalRevoked)),
        TerminalState::Awaiting => Err(stranger()),
    }
}

/// The points that the organisation of a terminal gives and takes today.
async fn terms_of(app: &App, connection: &mut Connection, terminal: &Terminal) -> Result<Option<Terms>, DbError> {
    let programmes = points::store::programmes(connection).await?;
    Ok(programmes.terms(terminal.organisation.organisation_id, app.today()).map(|(_, terms)| terms))
}

fn profile_of(app: &App, terminal: &Terminal, points: Option<Terms>) -> Result<TerminalProfile, Refusal> {
    Ok(TerminalProfile {
        terminal_id: terminal.terminal_id,
        name: terminal.name.clone(),
        organisation_id: terminal.organisation.organisation_id,
        organisation: terminal.organisation.name.clone(),
        operations: terminal.operations.clone(),
        limits: app.config.limits.into(),
        points,
        public_url: app.public_url.clone(),
        trust: Trust {
            root: Bytes(app.authorities.root.to_vec()),
            card_cas: vec![Bytes(app.authorities.card_ca.to_vec())],
            receipt_keys: vec![spki(app, Role::Receipt)?],
            paper_keys: vec![spki(app, Role::Paper)?],
            status_list: app.status_lists.uri().to_owned(),
            status_keys: vec![spki(app, Role::StatusList)?],
            log_key: app.log_key.clone(),
        },
    })
}

fn spki(app: &App, role: Role) -> Result<Bytes, Refusal> {
    Ok(Bytes(envelope::public_key(&*app.keys, role)?.to_spki().to_vec()))
}
