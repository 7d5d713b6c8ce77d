//! Request bodies. Holds no request's form: those stand with their routes.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use card_schema::wire::ProblemType;
use serde::de::DeserializeOwned;

use super::Refusal;

/// A JSON request body; what does not parse is a problem document like everything else.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Refusal::new(ProblemType::TooLarge))
            }
            Err(rejection) => Err(Refusal::malformed(rejection.body_text())),
        }
    }
}
