//! Pages that show a record without a leaf: the walk finds each, however it writes it.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;

/// What the planted pages share: the service and whom they betray.
type Planted = (App, StaffId, HolderId);

async fn read(planted: Planted, field: Field) -> String {
    let (app, who, holder) = planted;
    let shared = app.clone();
    let read = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            residence::reveal(&shared, tx, shared.now(), who, holder, Purpose::HolderRequest, &[field]).await
        })
    });
    read.await.unwrap().get(field).to_owned()
}

async fn with_a_leaf(State(planted): State<Planted>) -> String {
    read(planted, Field::Name).await
}

async fn with_the_leaf_of_another_field(State(planted): State<Planted>) -> Response {
    read(planted, Field::DocumentNumber).await;
    NAME.into_response()
}

fn planted_pages(scene: &Scene) -> (Vec<&'static str>, Router) {
    let escaped = "<p>Qwyx&#39;zel &amp; &lt;测试隐名&gt;</p>";
    let (json, address) = (readings::json_escaped(NAME), readings::percent_encoded(NAME));
    let pages = Router::new()
        .route("/planted/plain", get(|| async { NAME }))
        .route("/planted/page", get(move || async move { Html(escaped) }))
        .route(
            "/planted/json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], format!("[\"{json}\"]")) }),
        )
        .route("/planted/bytes", get(|| async { Json(json!({"data": STANDARD.encode(format!("\u{1}\u{16}{NAME}"))})) }))
        .route("/planted/redirect", get(move || async move { Redirect::to(&format!("/?name={address}")) }))
        .route("/planted/masked", get(|| async { masked_number(NUMBER) }))
        .route("/planted/other-field", get(with_the_leaf_of_another_field))
        .route("/planted/recorded", get(with_a_leaf))
        .with_state((scene.office.app.clone(), scene.clerk, scene.holder));
    let paths = vec![
        "/planted/plain",
        "/planted/page",
        "/planted/json",
        "/planted/bytes",
        "/planted/redirect",
        "/planted/masked",
        "/planted/other-field",
        "/planted/recorded",
    ];
    (paths, pages)
}

#[tokio::test]
async fn a_page_that_shows_a_record_without_a_leaf_is_caught_however_it_writes_it() {
    let scene = Box::pin(Scene::new()).await;
    let (paths, pages) = planted_pages(&scene);
    let walked = scene.walk(&paths, pages).await;
    let caught: BTreeSet<_> = walked.unseen.iter().map(|(route, ..)| route.path.as_str()).collect();
    let recorded = "/planted/recorded";
    assert_eq!(caught, paths.iter().copied().filter(|path| *path != recorded).collect());
    assert!(walked.shown.iter().any(|(route, ..)| route.path == recorded), "what leaves a leaf may be shown");
}
