//! The API of holders: registering, and reading with a stated purpose.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::house::model::CellAnswer;
use super::model::{Document, Facts, Field, Home};
use super::{Registration, reveal, rules, store};
use crate::app::App;
use crate::http::{Body, Path, Refusal, SignedIn};
use crate::people::Purpose;
use crate::people::api::rfc3339;
use crate::people::model::Permission;

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(read, reads))
}

/// A newcomer at the desk. Texts are as people type them: spaces, small letters and full-width digits are fine.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHolder {
    /// What was shown at the desk.
    document_kind: Document,
    document_number: String,
    #[schema(example = "测试甲")]
    name: String,
    #[schema(example = "Test Newcomer")]
    latin_name: Option<String>,
    /// Not needed where the document's number says it.
    #[schema(example = "1990-01-01")]
    birth: Option<String>,
    #[schema(example = "13800138000")]
    phone: Option<String>,
    /// Where the household is registered: a code of GB/T 2260, or a name that only one region has.
    #[schema(example = "340104")]
    household_region: Option<String>,
    /// Where the person lives now.
    #[schema(example = "测试路 1 号")]
    address: String,
    /// The room, or the bed, in the house.
    #[schema(example = "301")]
    room: Option<String>,
    /// The code of the grid cell in which the house lies, where the house is not known.
    cell: Option<String>,
    /// Since when.
    #[schema(example = "2026-03-01")]
    address_since: String,
    /// How.
    home: Home,
    /// Whose home it is: the landlord, the dormitory, the relative.
    host: Option<String>,
    /// Since when the person lives in this city; since `address_since` where nothing is said.
    #[schema(example = "2025-09-01")]
    city_since: Option<String>,
    /// Until when the person means to stay.
    #[schema(example = "2099-12-31")]
    stay_until: Option<String>,
    /// Where the person works or studies.
    #[schema(example = "测试工厂")]
    occupation: Option<String>,
    /// Why the data is taken.
    purpose: Purpose,
}

impl NewHolder {
    fn into_facts(self) -> Facts {
        let texts = [
            (Field::DocumentNumber, Some(self.document_number)),
            (Field::Name, Some(self.name)),
            (Field::LatinName, self.latin_name),
            (Field::Birth, self.birth),
            (Field::Phone, self.phone),
            (Field::HouseholdRegion, self.household_region),
            (Field::Occupation, self.occupation),
            (Field::Address, Some(self.address)),
            (Field::Room, self.room),
            (Field::AddressSince, Some(self.address_since)),
            (Field::Host, self.host),
            (Field::CitySince, self.city_since),
            (Field::StayUntil, self.stay_until),
        ];
        let mut facts =
            Facts::default().with(Field::DocumentKind, self.document_kind.name()).with(Field::Home, self.home.name());
        for (field, text) in texts {
            facts.set(field, text.unwrap_or_default());
        }
        facts
    }
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
        (ProblemType::MalformedRequest, "Something is not well-formed; the detail says what"),
        (ProblemType::Conflict, "Somebody is registered with this document"),
    ]))))]
async fn register(
    State(app): State<App>,
    who: SignedIn,
    Body(request): Body<NewHolder>,
) -> Result<(StatusCode, Json<HolderReply>), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(request.purpose)?;
    let cell = request.cell.clone().map(CellAnswer::In);
    let facts = rules::check(&request.into_facts(), app.today())
        .map_err(|wrong| Refusal::saying(ProblemType::MalformedRequest, wrong[0].key, &wrong[0].at))?;
    let holder_id = super::register(&app, who.0.staff_id, Registration { cell, ..Registration::of(facts) }).await?;
    Ok((StatusCode::CREATED, Json(HolderReply { holder_id })))
}

/// What is to be read, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadRequest {
    purpose: Purpose,
    fields: Vec<Field>,
}

/// Fields in clear, those of them that are known.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = BTreeMap<String, String>)]
struct ReadReply(Facts);

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
    let facts = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(
                async move { reveal(&shared, tx, now, who.0.staff_id, holder, request.purpose, &request.fields).await },
            )
        })
        .await?;
    Ok(Json(ReadReply(facts)))
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
