//! The API of checking papers, for programs of landlords, employers and offices.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use card_schema::clock::Micros;
use card_schema::envelope::paper::{PaperKind, Printed};
use card_schema::ids::{KeyId, PaperNumber};
use card_schema::wire::ProblemType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{Typed, Verdict, check};
use crate::app::App;
use crate::http::{Body, Refusal};
use crate::keys::paper::public_key;
use crate::keys::pki::public_key_pem;

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(check_paper)).routes(routes!(key))
}

/// A paper to be checked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckRequest {
    /// The text of the square code.
    #[schema(max_length = 1000)]
    text: String,
    /// What else is on the paper, to know whether it belongs together.
    on_paper: Option<OnPaper>,
}

/// What is on a paper beside its square code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OnPaper {
    name: String,
    document_number: String,
    /// Sixteen digits.
    #[schema(example = "1234 5678 9012 3456")]
    check_code: String,
}

/// How a paper stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PaperVerdict {
    /// Issued here and valid.
    Genuine,
    /// Issued here, and not good yet.
    NotYet,
    /// Its time is over.
    Expired,
    /// It is good no longer.
    Withdrawn,
    /// Not issued here, or altered.
    NotOurs,
}

impl From<Verdict> for PaperVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Genuine => Self::Genuine,
            Verdict::NotYet => Self::NotYet,
            Verdict::Expired => Self::Expired,
            Verdict::Withdrawn => Self::Withdrawn,
            Verdict::NotOurs => Self::NotOurs,
        }
    }
}

/// What is printed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PrintedKind {
    /// A certificate of registration.
    Certificate,
    /// A residence permit on paper.
    Permit,
    /// A visitor's pass for a site with gates.
    GatePass,
}

impl From<Printed> for PrintedKind {
    fn from(printed: Printed) -> Self {
        match printed {
            Printed::Paper(paper) => match paper.kind {
                PaperKind::Certificate => Self::Certificate,
                PaperKind::Permit => Self::Permit,
            },
            Printed::Pass(_) => Self::GatePass,
        }
    }
}

/// From when until when a visitor's pass is good, and where.
#[derive(Serialize, ToSchema)]
struct PassTimes {
    /// The name of the site; missing where the service does not know the pass any more.
    site: Option<String>,
    #[schema(format = DateTime)]
    valid_from: String,
    #[schema(format = DateTime)]
    valid_until: String,
}

/// A moment as programs write it.
fn moment(at: Micros) -> String {
    Timestamp::from_microsecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// What came of a check. What the paper says of itself is missing where it is not ours.
#[derive(Serialize, ToSchema)]
struct CheckReply {
    verdict: PaperVerdict,
    kind: Option<PrintedKind>,
    number: Option<PaperNumber>,
    /// The last day on which it is valid; of a visitor's pass see `pass`.
    #[schema(format = Date)]
    valid_until: Option<String>,
    /// Of a visitor's pass.
    pass: Option<PassTimes>,
    /// Whether name, document number and check code are those that were signed; missing where none were sent.
    belongs_together: Option<bool>,
}

/// Check a printed paper
///
/// Nobody has to sign in, and who asks about what is written down nowhere.
#[utoipa::path(post, path = "/v1/papers/check", tag = "papers", request_body = CheckRequest, responses(
    (status = 200, description = "How the paper stands", body = CheckReply)), security(()),
    extensions(("x-problems" = json!([
        (ProblemType::MalformedRequest, "The check code does not have sixteen digits"),
        (ProblemType::TooManyRequests, "Too many checks from this address"),
    ]))))]
async fn check_paper(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(request): Body<CheckRequest>,
) -> Result<Json<CheckReply>, Refusal> {
    let typed = match request.on_paper {
        None => None,
        Some(OnPaper { name, document_number, check_code }) => {
            let code = Zeroizing::new(check_code).parse();
            let code = code.map_err(|_| Refusal::because(ProblemType::MalformedRequest, "paper-code-wrong"))?;
            Some(Typed { name: Zeroizing::new(name), document_number: Zeroizing::new(document_number), code })
        }
    };
    let checked = check(&app, peer.ip(), &request.text, typed).await?;
    let (valid_until, pass) = match checked.paper {
        None => (None, None),
        Some(Printed::Paper(paper)) => (Some(paper.valid_until.to_string()), None),
        Some(Printed::Pass(pass)) => {
            let (valid_from, valid_until) = (moment(pass.from), moment(pass.until));
            (None, Some(PassTimes { site: checked.site, valid_from, valid_until }))
        }
    };
    Ok(Json(CheckReply {
        verdict: checked.verdict.into(),
        kind: checked.paper.map(PrintedKind::from),
        number: checked.paper.map(|paper| paper.number()),
        valid_until,
        pass,
        belongs_together: checked.is_named,
    }))
}

/// The key with which papers are signed.
#[derive(Serialize, ToSchema)]
struct KeyReply {
    /// What signatures name it by.
    key_id: KeyId,
    /// `SubjectPublicKeyInfo` as PEM.
    public_key: String,
}

/// The public key of papers, for checking them offline
#[utoipa::path(get, path = "/v1/papers/key", tag = "papers", responses(
    (status = 200, description = "Changes only when the installation gets other keys", body = KeyReply)), security(()))]
async fn key(State(app): State<App>) -> Result<Json<KeyReply>, Refusal> {
    let key = public_key(&*app.keys)?;
    Ok(Json(KeyReply { key_id: key.key_id(), public_key: public_key_pem(&key) }))
}
