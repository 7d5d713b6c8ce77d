//! Tells a page that it is no longer true, as server-sent events (HTML, section 9.2): each event is the mark of what
//! the page would show now, and the page looks again where it has another.

use std::{convert::Infallible, pin::pin};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};

use super::seen::look;
use crate::local::{api::App, wire::View};

/// Every change from now on, and what stands now; until the daemon stops.
pub(super) fn live(app: App, view: View) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let marks = stream::unfold((app, None), move |(app, last)| async move {
        let mark = changed(&app, view, last.as_deref()).await?;
        let event = Event::default().data(&mark);
        Some((Ok(event), (app, Some(mark))))
    });
    Sse::new(marks).keep_alive(KeepAlive::default())
}

/// Waits until a page would show something else than `last`; nothing when the daemon stops.
async fn changed(app: &App, view: View, last: Option<&str>) -> Option<String> {
    let (mut prompts, mut transactions) = (app.prompts.watch(), app.counter.watch());
    let (mut readers, mut online) = (app.stations.presence().watch(), app.submitter.watch());
    let (mut waiting, mut stopping) = (app.outbox.watch(), app.stopping.clone());
    let mut stopped = pin!(async move { stopping.wait_for(|stopping| *stopping).await.is_ok() });
    loop {
        let mark = look(app, view).mark();
        if last != Some(&mark) {
            return Some(mark);
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
