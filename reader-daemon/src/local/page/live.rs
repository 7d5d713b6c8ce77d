//! Shows a browser what is true now, as server-sent events (HTML, section 9.2): each event is the whole page, a JSON
//! string of HTML, as it would be answered to whoever asks for it.

use std::{convert::Infallible, pin::pin};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};

use super::seen::{Seen, look};
use crate::local::{api::App, wire::View};

/// What stands now, and every change from now on, as `page` makes it; until the daemon stops.
pub(super) fn live<P>(app: App, view: View, page: P) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    P: Fn(&App, &Seen) -> String + Send + Sync + 'static,
{
    let pages = stream::unfold((app, page, None), move |(app, page, last): (App, P, Option<String>)| async move {
        let seen = changed(&app, view, last.as_deref()).await?;
        let event = Event::default().json_data(page(&app, &seen)).expect("a string always serialises");
        Some((Ok(event), (app, page, Some(seen.mark()))))
    });
    Sse::new(pages).keep_alive(KeepAlive::default())
}

/// Waits until a page would show something else than at `last`; nothing when the daemon stops.
async fn changed(app: &App, view: View, last: Option<&str>) -> Option<Seen> {
    let (mut prompts, mut transactions) = (app.prompts.watch(), app.counter.watch());
    let (mut readers, mut online) = (app.stations.presence().watch(), app.submitter.watch());
    let (mut waiting, mut stopping) = (app.outbox.watch(), app.stopping.clone());
    let mut stopped = pin!(async move { stopping.wait_for(|stopping| *stopping).await.is_ok() });
    loop {
        let seen = look(app, view);
        if last != Some(&*seen.mark()) {
            return Some(seen);
        }
        tokio::select! {
            _ = prompts.changed() => {}
            _ = transactions.changed() => {}
            _ = readers.changed() => {}
            _ = online.changed() => {}
            _ = waiting.changed() => {}
            _ = &mut stopped => return None,
        }
    }
}
