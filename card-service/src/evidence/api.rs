//! The log as the public reads it: the newest checkpoint and the tiles (<https://c2sp.org/tlog-tiles>).
//!
//! Leaves' contents are not served: they would tell when what kind of thing happened.

use axum::Extension;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use card_schema::wire::ProblemType;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sequencer::Log;
use super::store;
use super::tree::{FULL_WIDTH, parse_path};
use crate::http::description::Octets;
use crate::http::{Path, Refusal};

/// The log's routes on the public listener. They take a [`Log`] from the request.
pub fn router<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(checkpoint)).routes(routes!(tile))
}

/// The log's routes on the listener of terminals.
pub fn terminal_router<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(checkpoint_for_terminals))
}

/// The newest checkpoint: a C2SP signed note
#[utoipa::path(get, path = "/checkpoint", tag = "log", responses(
    (status = 200, description = "The note", content_type = "text/plain", body = String)), security(()),
    extensions(("x-problems" = json!([(ProblemType::NotFound, "No checkpoint has been signed yet")]))))]
async fn checkpoint(Extension(log): Extension<Log>) -> Result<Response, Refusal> {
    newest_checkpoint(&log).await
}

/// The newest checkpoint, for the next tap to carry
#[utoipa::path(get, path = "/v1/checkpoint", tag = "terminal listener", responses(
    (status = 200, description = "The note", content_type = "text/plain", body = String)),
    extensions(("x-problems" = json!([(ProblemType::NotFound, "No checkpoint has been signed yet")]))))]
async fn checkpoint_for_terminals(Extension(log): Extension<Log>) -> Result<Response, Refusal> {
    newest_checkpoint(&log).await
}

async fn newest_checkpoint(log: &Log) -> Result<Response, Refusal> {
    let mut connection = log.db().read().await?;
    Ok(match store::newest_checkpoint(&mut connection).await? {
        Some(newest) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
            (headers, newest.note).into_response()
        }
        None => return Err(Refusal::new(ProblemType::NotFound)),
    })
}

/// A tile of the tree's hashes (C2SP tlog-tiles), whole or as far as it is filled
#[utoipa::path(get, path = "/tile/{*path}", tag = "log", params(
    ("path" = String, Path, description = "`<level>/<index>[.p/<width>]`", example = "0/000.p/1",
        pattern = r"^[0-7]/(x[0-9]{3}/){0,6}[0-9]{3}(\.p/[1-9][0-9]{0,2})?$")), responses(
    (status = 200, description = "Hashes of 32 bytes one after another", content_type = "application/octet-stream",
        body = Octets)), security(()),
    extensions(("x-problems" = json!([(ProblemType::NotFound, "The tree has no such tile")]))))]
async fn tile(Extension(log): Extension<Log>, Path(path): Path<String>) -> Result<Response, Refusal> {
    let Some((key, width)) = parse_path(&path) else { return Err(Refusal::new(ProblemType::NotFound)) };
    let mut connection = log.db().read().await?;
    let tiles = store::load_tiles(&mut connection, &[key].into()).await?;
    let hashes = tiles.get(key).and_then(|hashes| hashes.get(..width.min(FULL_WIDTH) * 32));
    Ok(match hashes {
        Some(hashes) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, hashes.to_vec()).into_response()
        }
        None => return Err(Refusal::new(ProblemType::NotFound)),
    })
}
