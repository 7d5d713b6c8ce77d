//! The API of holders: registering, and reading with a stated purpose.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use card_schema::date::Date;
use card_schema::ids::{HolderId, Shard};
use card_schema::wire::ProblemType;
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::model::{Document, Field, NewPerson};
use super::store::{self, SealedPerson};
use super::{protect, reveal};
use crate::app::App;
use crate::http::{Body, Path, Refusal, SignedIn};
use crate::people::api::rfc3339;
use crate::people::model::Permission;
use crate::people::{Purpose, StaffId};

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(read, reads))
}

/// A newcomer at the desk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHolder {
    #[schema(example = "测试甲")]
    name: String,
    document: DocumentRequest,
    /// Why the data is taken.
    purpose: Purpose,
}

/// What was shown at the desk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentRequest {
    kind: Document,
    /// As typed; spaces and small letters are fine.
    number: String,
}

/// A registered holder.
#[derive(Serialize, ToSchema)]
struct HolderReply {
    holder_id: HolderId,
}

/// Register a holder
#[utoipa::path(post, path = "/v1/holders", tag = "holders", request_body = NewHolder, responses(
    (status = 201, description = "Registered", body = HolderReply)),
    extensions(("x-problems" = json!([
        (ProblemType::MalformedRequest, "Name or number are not well-formed"),
        (ProblemType::Conflict, "Somebody is registered with this document"),
    ]))))]
async fn register(
    State(app): State<App>,
    who: SignedIn,
    Body(request): Body<NewHolder>,
) -> Result<(StatusCode, Json<HolderReply>), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(request.purpose)?;
    let today = Date::of_utc(app.now());
    let person = NewPerson::check(&request.name, request.document.kind, &request.document.number, today)
        .map_err(|wrong| Refusal::because(ProblemType::MalformedRequest, wrong))?;
    let holder_id = add(&app, who.0.staff_id, person).await?;
    Ok((StatusCode::CREATED, Json(HolderReply { holder_id })))
}

/// Seals and stores a person.
pub async fn add(app: &App, by: StaffId, person: NewPerson) -> Result<HolderId, Refusal> {
    let mut random = Zeroizing::new([0_u8; 96]);
    app.random.fill(&mut *random).map_err(|_| Refusal::new(ProblemType::Internal))?;
    let holder =
        HolderId::new(Shard(random[0] % app.db.engine().shards()), random[1..17].try_into().expect("sixteen bytes"));
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&random[17..49]);
    let nonce = |at: usize| -> [u8; 12] { random[at..at + 12].try_into().expect("twelve bytes") };
    let sealed = SealedPerson {
        wrapped_key: protect::wrap(&*app.keys, holder, &key, nonce(49))?,
        name: protect::seal_field(&key, holder, Field::Name, &person.name, nonce(61)),
        document: person.document,
        document_number: protect::seal_field(&key, holder, Field::DocumentNumber, &person.number, nonce(73)),
    };
    let blind = protect::blind(&*app.keys, person.document, &person.number)?;
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                if store::by_document(tx, blind).await?.is_some() {
                    return Err(Refusal::because(ProblemType::Conflict, "holder-known"));
                }
                store::insert(tx, now, by, holder, &sealed, blind).await?;
                Ok(holder)
            })
        })
        .await
}

/// What is to be read, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadRequest {
    purpose: Purpose,
    fields: Vec<Field>,
}

/// Fields in clear.
#[derive(Serialize, ToSchema)]
struct ReadReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_number: Option<String>,
}

/// Read fields of a holder's record; the holder sees who did and why
#[utoipa::path(post, path = "/v1/holders/{holder_id}/reads", tag = "holders", request_body = ReadRequest,
    params(("holder_id" = Uuid, Path)), responses(
    (status = 200, description = "The fields", body = ReadReply)),
    extensions(("x-problems" = json!([
        (ProblemType::Forbidden, "The role may not read for this purpose"),
        (ProblemType::NotFound, "No such holder"),
    ]))))]
async fn read(
    State(app): State<App>,
    who: SignedIn,
    Path(holder): Path<HolderId>,
    Body(request): Body<ReadRequest>,
) -> Result<Json<ReadReply>, Refusal> {
    who.require_purpose(request.purpose)?;
    let (now, shared) = (app.now(), app.clone());
    let revealed = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(
                async move { reveal(&shared, tx, now, who.0.staff_id, holder, request.purpose, &request.fields).await },
            )
        })
        .await?;
    let mut reply = ReadReply { name: None, document_number: None };
    for field in revealed {
        match field.field {
            Field::Name => reply.name = Some(field.text.to_string()),
            Field::DocumentNumber => reply.document_number = Some(field.text.to_string()),
        }
    }
    Ok(Json(reply))
}

/// One read of a record.
#[derive(Serialize, ToSchema)]
struct PastRead {
    #[schema(format = DateTime)]
    at: String,
    staff: String,
    purpose: String,
    field: String,
}

/// Who has read a holder's record, and why
#[utoipa::path(get, path = "/v1/holders/{holder_id}/reads", tag = "holders",
    params(("holder_id" = Uuid, Path)), responses(
    (status = 200, description = "Newest first, at most 100", body = Vec<PastRead>)))]
async fn reads(
    State(app): State<App>,
    who: SignedIn,
    Path(holder): Path<HolderId>,
) -> Result<Json<Vec<PastRead>>, Refusal> {
    who.require(Permission::ServeHolders)?;
    let rows = store::reads(&mut app.db.read().await?, holder, 100).await?;
    let read = |(at, staff, purpose, field)| PastRead { at: rfc3339(at), staff, purpose, field };
    Ok(Json(rows.into_iter().map(read).collect()))
}
