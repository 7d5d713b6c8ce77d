//! The API of sessions and staff.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use card_schema::clock::Micros;
use card_schema::ids::OrganisationId;
use card_schema::wire::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::model::{Owed, Permission, StaffRole};
use super::{member, session};
use crate::app::App;
use crate::http::{Body, Refusal, SignedIn, signed_in};

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in, sign_out)).routes(routes!(add_staff))
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInRequest {
    /// What the person types to sign in.
    #[schema(example = "admin")]
    name: String,
    #[schema(value_type = String, format = Password)]
    password: String,
    /// Of somebody with a second factor: the code that it shows, or a recovery code.
    #[serde(default)]
    code: Option<String>,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
struct SessionReply {
    /// For `Authorization: Bearer`. Shown once.
    token: String,
    /// When it ends whatever happens.
    #[schema(format = DateTime)]
    expires_at: String,
    role: StaffRole,
    /// What the person has to do in the console before this session is good for anything.
    owes: Option<Owed>,
}

/// Sign in
#[utoipa::path(post, path = "/v1/sessions", tag = "staff", request_body = SignInRequest, responses(
    (status = 201, description = "The session has begun", body = SessionReply)), security(()),
    extensions(("x-problems" = json!([
        (ProblemType::NotSignedIn, "Wrong name, password or code"),
        (ProblemType::TooManyRequests, "Too many attempts"),
    ]))))]
async fn sign_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(request): Body<SignInRequest>,
) -> Result<(StatusCode, Json<SessionReply>), Refusal> {
    let (word, code) = (Zeroizing::new(request.password), request.code.map(Zeroizing::new));
    let code = code.as_ref().map(|code| code.as_str());
    let begun = session::sign_in_with_code(&app, peer.ip(), &request.name, word, code).await?;
    let reply = SessionReply {
        token: begun.token.to_string(),
        expires_at: rfc3339(begun.expires_at),
        role: begun.staff.role,
        owes: begun.owed,
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

/// Sign out: ends the session that the request carries
#[utoipa::path(delete, path = "/v1/sessions", tag = "staff", responses((status = 204, description = "There is none now")),
    security((), ("session" = []), ("console" = [])))]
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Refusal> {
    signed_in::sign_out(&app, &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A member of staff to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewStaff {
    /// What the person will type to sign in.
    #[schema(example = "clerk1")]
    name: String,
    role: StaffRole,
    /// The station where the person works.
    #[serde(default)]
    station_id: Option<OrganisationId>,
}

/// A member of staff.
#[derive(Serialize, ToSchema)]
struct StaffReply {
    staff_id: Uuid,
    /// For the first sign-in, in which the person chooses another. Shown once.
    first_password: String,
    /// The request to which another administrator has to agree before the person may sign in.
    waits_for_approval: Option<Uuid>,
}

/// Add a member of staff
#[utoipa::path(post, path = "/v1/staff", tag = "staff", request_body = NewStaff, responses(
    (status = 201, description = "Added", body = StaffReply)),
    extensions(("x-problems" = json!([
        (ProblemType::Forbidden, "Administrators only"),
        (ProblemType::Conflict, "The name is taken, or staff cannot work there"),
    ]))))]
async fn add_staff(
    State(app): State<App>,
    who: SignedIn,
    Body(request): Body<NewStaff>,
) -> Result<(StatusCode, Json<StaffReply>), Refusal> {
    who.require(Permission::Administer)?;
    let NewStaff { name, role, station_id: organisation } = request;
    let refused = |(field, key): member::Wrong| {
        let bad_name = field == "name" && key != "staff-name-taken";
        let kind = if bad_name { ProblemType::MalformedRequest } else { ProblemType::Conflict };
        Refusal::because(kind, key)
    };
    let added = member::add(&app, who.0.staff_id, member::New { name, role, organisation }).await?.map_err(refused)?;
    let reply = StaffReply {
        staff_id: added.staff_id.0,
        first_password: added.first_password.as_str().to_owned(),
        waits_for_approval: added.waits,
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

/// A time for programs and logs.
pub fn rfc3339(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at.0).map_or_else(|_| "-".to_owned(), |at| at.to_string())
}
