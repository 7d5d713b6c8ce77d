//! Shows a browser what is true now, as server-sent events (HTML, section 9.2): each event is the whole page, a JSON
//! string of HTML, as it would be answered to whoever asks for it.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use tokio::time::{Instant, sleep_until};

use super::seen::{Seen, look};
use crate::local::{api::App, wire::View};

/// What nobody waits for is shown when it has lasted so long: each page takes a browser some milliseconds, and the result
/// would have to wait for those before it.
const LASTING: Duration = Duration::from_millis(100);

/// What stands now, and every change from now on, as `page` makes it; until the daemon stops.
pub(super) fn live<P>(app: App, view: View, page: P) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    P: Fn(&App, &Seen) -> String + Send + Sync + 'static,
{
    let pages = stream::unfold((app, page, None), move |(app, page, last): (App, P, Option<Seen>)| async move {
        let seen = changed(&app, view, last.as_ref()).await?;
        let event = Event::default().json_data(page(&app, &seen)).expect("a string always serialises");
        Some((Ok(event), (app, page, Some(seen))))
    });
    Sse::new(pages).keep_alive(KeepAlive::default())
}

/// Waits until a page has to show something else than at `last`; nothing when the daemon stops.
async fn changed(app: &App, view: View, last: Option<&Seen>) -> Option<Seen> {
    let (mut prompts, mut transactions) = (app.prompts.watch(), app.counter.watch());
    let (mut readers, mut online) = (app.stations.presence().watch(), app.submitter.watch());
    let (mut waiting, mut board, mut stopping) = (app.outbox.watch(), app.validator.watch(), app.stopping.clone());
    let mut stopped = pin!(async move { stopping.wait_for(|stopping| *stopping).await.is_ok() });
    let mut due = None;
    loop {
        let seen = look(app, view);
        let Some(last) = last.filter(|last| !seen.is_waited_for(last)) else { return Some(seen) };
        let now = Instant::now();
        due = (seen.mark() != last.mark()).then(|| due.unwrap_or(now + LASTING));
        if due.is_some_and(|due| due <= now) {
            return Some(seen);
        }
        tokio::select! {
            _ = prompts.changed() => {}
            _ = transactions.changed() => {}
            _ = readers.changed() => {}
            _ = online.changed() => {}
            _ = waiting.changed() => {}
            _ = board.changed() => {}
            () = sleep_until(due.unwrap_or(now)), if due.is_some() => {}
            _ = &mut stopped => return None,
        }
    }
}
