//! The log as the public reads it: the newest checkpoint and the tiles (<https://c2sp.org/tlog-tiles>).
//!
//! Leaves' contents are not served: they would tell when what kind of thing happened.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use card_schema::wire::ProblemType;

use super::sequencer::Log;
use super::store;
use super::tree::{FULL_WIDTH, parse_path};
use crate::db::DbError;
use crate::http::Refusal;

/// `GET /checkpoint` and `GET /tile/<level>/<index>[.p/<width>]`, for the public listener.
pub fn router(log: Log) -> Router {
    Router::new().route("/checkpoint", get(checkpoint)).route("/tile/{*path}", get(tile)).with_state(log)
}

/// `GET /v1/checkpoint`, for the listener of terminals.
pub fn terminal_router(log: Log) -> Router {
    Router::new().route("/v1/checkpoint", get(checkpoint)).with_state(log)
}

async fn checkpoint(State(log): State<Log>) -> Result<Response, Refusal> {
    let mut connection = log.db().read().acquire().await.map_err(DbError::from)?;
    Ok(match store::newest_checkpoint(&mut connection).await? {
        Some(newest) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
            (headers, newest.note).into_response()
        }
        None => return Err(Refusal::new(ProblemType::NotFound)),
    })
}

async fn tile(State(log): State<Log>, Path(path): Path<String>) -> Result<Response, Refusal> {
    let Some((key, width)) = parse_path(&path) else { return Err(Refusal::new(ProblemType::NotFound)) };
    let mut connection = log.db().read().acquire().await.map_err(DbError::from)?;
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
