//! Something that changes while somebody looks: told to the browser as it changes, where the browser runs scripts.

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::time::Instant;

use crate::app::App;
use crate::http::Refusal;

/// How often it is looked whether there is news. Readers answer a step in tens of milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A stream ends after so long, and the browser asks again: whoever has been signed out meanwhile sees no more.
const STREAM_AT_MOST: Duration = Duration::from_mins(5);

/// The part of a page that changes.
pub(crate) trait Part: Template + PartialEq + Send + 'static {
    /// Whether it changes no more.
    fn is_over(&self) -> bool;
}

/// What is told to a browser that watches.
struct Watch<P, L> {
    app: App,
    look: L,
    until: Instant,
    /// What was told last.
    told: Option<P>,
    /// The last event was told.
    over: bool,
}

impl<P, L, F> Watch<P, L>
where
    P: Part,
    L: Fn(App) -> F + Send,
    F: Future<Output = Result<P, Refusal>> + Send,
{
    /// The next event, once there is news; none when there will be no more.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let mut stopping = self.app.stopping.clone();
        while !self.over && Instant::now() < self.until {
            let now = (self.look)(self.app.clone()).await.ok()?;
            if self.told.as_ref() != Some(&now) {
                let event = Event::default().data(now.render().ok()?);
                self.told = Some(now);
                return Some((Ok(event), self));
            }
            if now.is_over() {
                self.over = true;
                return Some((Ok(Event::default().event("over").data("")), self));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return None,
            }
        }
        None
    }
}

/// Tells what `look` finds each time that it is something else, and `over` at the end.
pub(crate) fn events<P, L, F>(app: App, look: L) -> Response
where
    P: Part,
    L: Fn(App) -> F + Send + 'static,
    F: Future<Output = Result<P, Refusal>> + Send + 'static,
{
    let watch = Watch { app, look, until: Instant::now() + STREAM_AT_MOST, told: None, over: false };
    Sse::new(stream::unfold(watch, Watch::next)).keep_alive(KeepAlive::default()).into_response()
}
