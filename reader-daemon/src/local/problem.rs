//! Failures as problem documents in both languages. The words are `cli::messages`' and its neighbours'.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{guard::Turned, wire::LocalProblem};
use crate::cli::messages::{CliError, Exit};

/// A failure with its HTTP status.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: CliError,
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        let status = match error.exit {
            Exit::Usage => StatusCode::UNPROCESSABLE_ENTITY,
            Exit::Nothing => StatusCode::NOT_FOUND,
            Exit::Failed => StatusCode::CONFLICT,
        };
        Self { status, error }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = LocalProblem {
            kind: format!("{}{}", LocalProblem::PREFIX, self.error.code),
            title: self.error.en,
            title_zh: self.error.zh,
            status: self.status.as_u16(),
        };
        let mut reply = (self.status, Json(problem)).into_response();
        let media_type = HeaderValue::from_static(card_schema::wire::Problem::MEDIA_TYPE);
        reply.headers_mut().insert(header::CONTENT_TYPE, media_type);
        reply
    }
}

pub(super) fn turned_away(turned: Turned) -> Response {
    let (status, error) = match turned {
        Turned::Host | Turned::Origin => (
            StatusCode::FORBIDDEN,
            CliError::failed("foreign-page", "网页不能使用本机接口。", "Web pages may not use the local API."),
        ),
        Turned::Token | Turned::Session => (
            StatusCode::UNAUTHORIZED,
            CliError::failed(
                "token",
                "缺少令牌或令牌有误。请从数据目录的 local.json 读取当前令牌。",
                "The token is missing or wrong. Read the current one from local.json in the data folder.",
            ),
        ),
    };
    Failure { status, error }.into_response()
}
