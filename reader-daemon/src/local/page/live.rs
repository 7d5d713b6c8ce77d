//! Shows a browser what is true now, as server-sent events (HTML, section 9.2): each event is the whole page, a JSON
//! string of HTML, as it would be answered to whoever asks for it.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, future, stream};
use tokio::time::{self, Instant};

use super::seen::{Seen, look};
use crate::local::{api::App, wire::View};

/// How long something has to last to be shown, where it ends by itself.
const PASSING: Duration = Duration::from_millis(60);

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

/// Waits until then; for ever without.
async fn until(then: Option<Instant>) {
    match then {
        Some(then) => time::sleep_until(then).await,
        None => future::pending().await,
    }
}

/// Waits until a page would show something else than at `last`; nothing when the daemon stops.
async fn changed(app: &App, view: View, last: Option<&str>) -> Option<Seen> {
    let (mut prompts, mut transactions) = (app.prompts.watch(), app.counter.watch());
    let (mut readers, mut online) = (app.stations.presence().watch(), app.submitter.watch());
    let (mut waiting, mut stopping) = (app.outbox.watch(), app.stopping.clone());
    let mut stopped = pin!(async move { stopping.wait_for(|stopping| *stopping).await.is_ok() });
    let mut passes = None;
    loop {
        let seen = look(app, view);
        let is_news = last != Some(&*seen.mark());
        // What is over in a moment is not shown: a page that flashes up helps nobody, and is in the way of the one after it.
        if is_news && !seen.is_passing() {
            return Some(seen);
        }
        let lasts = is_news.then(|| *passes.get_or_insert_with(|| Instant::now() + PASSING));
        tokio::select! {
            () = until(lasts) => return Some(seen),
            _ = prompts.changed() => {}
            _ = transactions.changed() => {}
            _ = readers.changed() => {}
            _ = online.changed() => {}
            _ = waiting.changed() => {}
            _ = &mut stopped => return None,
        }
    }
}
