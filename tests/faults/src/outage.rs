//! Everybody who asks the service while its database is away, and what each of them hears.

use std::thread;

use anyhow::{Result, bail};
use card_schema::{
    clock::Micros,
    envelope::batch::Batch,
    wire::{
        Bytes,
        terminal::{BatchReply, BatchRequest},
    },
};
use reader_daemon::{
    identity::Identity,
    submit::client::{ServiceClient, ServiceError},
};
use tokio::runtime::Runtime;
use town::{
    Place, Town,
    http::{Client, Reply},
    wait,
};

/// What one of them heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// What was asked for.
    Success,
    /// 503 that says when to come back.
    NotNow,
    /// Anything else.
    Other(String),
}

impl Heard {
    /// What a terminal hears.
    pub(crate) fn of(reply: &Result<BatchReply, ServiceError>) -> Self {
        match reply {
            Ok(_) => Self::Success,
            Err(ServiceError::Busy { retry_after: Some(_) }) => Self::NotNow,
            Err(error) => Self::Other(error.to_string()),
        }
    }
}

/// A clerk, a terminal, and whoever watches whether the service is ready.
#[derive(Debug)]
pub(crate) struct Callers {
    office: Client,
    watch: Client,
    terminal: ServiceClient,
    batch: BatchRequest,
    runtime: Runtime,
}

impl Callers {
    /// Of a town; the terminal is that of the shop.
    pub(crate) fn of(town: &mut Town) -> Result<Self> {
        let identity = Identity::load(&town.at(Place::Shop).data())?;
        // Without taps: it goes all the way and changes nothing.
        let batch = Batch { terminal: identity.file.terminal_id, at: Micros(0), taps: Vec::new() };
        let (_, envelope) = identity.key.seal(&batch)?;
        Ok(Self {
            office: town.office.api().clone(),
            watch: Client::new(town.service.url(), Some(&town.service.root()))?,
            terminal: ServiceClient::new(&identity)?,
            batch: BatchRequest { batch: Bytes(envelope) },
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
        })
    }

    /// All of them ask while the database is away. Once the service says that it is not ready, `end` brings the database
    /// back, and everybody has an answer in the end.
    ///
    /// # Errors
    /// When the service goes on saying that it is ready, or `end` fails.
    pub(crate) fn ask_until(&self, end: impl FnOnce() -> Result<()>) -> Result<[Heard; 2]> {
        thread::scope(|scope| {
            let clerk = scope.spawn(|| {
                self.office
                    .get("/v1/terminals")
                    .map_or_else(|error| Heard::Other(format!("{error:#}")), |reply| heard(&reply))
            });
            let terminal = scope.spawn(|| Heard::of(&self.runtime.block_on(self.terminal.batch(&self.batch))));
            let not_ready =
                wait::until("the service says that it is not ready", || match heard(&self.watch.get("/readyz")?) {
                    Heard::NotNow => Ok(Some(())),
                    Heard::Success => Ok(None),
                    Heard::Other(said) => bail!("asked whether it is ready, the service says {said}"),
                });
            let ended = end();
            let heard = [clerk, terminal].map(|caller| caller.join().expect("asking does not panic"));
            not_ready.and(ended)?;
            Ok(heard)
        })
    }

    /// The newest checkpoint as the public reads it, if there is one.
    ///
    /// # Errors
    /// When the service does not answer.
    pub(crate) fn checkpoint(&self) -> Result<Option<String>> {
        let reply = self.watch.get("/checkpoint")?;
        if reply.status == 404 {
            return Ok(None);
        }
        Ok(reply.success()?.as_str().map(str::to_owned))
    }

    /// Waits until the service says that it is ready again.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn until_ready(&self) -> Result<()> {
        wait::until("the service is ready again", || {
            Ok((heard(&self.watch.get("/readyz")?) == Heard::Success).then_some(()))
        })
    }
}

fn heard(reply: &Reply) -> Heard {
    let says_what = reply.body["type"].is_string() && reply.body["title"].is_string();
    match reply.status {
        200 => Heard::Success,
        503 if says_what && reply.retry_after_s.is_some() => Heard::NotNow,
        status => Heard::Other(format!("{status}, Retry-After {:?}: {}", reply.retry_after_s, reply.body)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_terminal_that_is_not_told_when_to_come_back_has_heard_nothing_clear() {
        let heard = |retry_after| Heard::of(&Err(ServiceError::Busy { retry_after }));
        assert_eq!(heard(Some(Duration::from_secs(2))), Heard::NotNow);
        assert!(matches!(heard(None), Heard::Other(_)));
        assert!(matches!(Heard::of(&Err(ServiceError::Unreachable("reset".to_owned()))), Heard::Other(_)));
    }

    #[test]
    fn only_a_503_with_a_problem_and_a_time_says_not_now() {
        let problem = json!({"type": "urn:nrc:problem:storage", "title": "Not now"});
        let reply = |status, body, retry_after_s| Reply { status, body, retry_after_s };
        assert_eq!(heard(&reply(503, problem.clone(), Some(2))), Heard::NotNow);
        assert_eq!(heard(&reply(200, json!([]), None)), Heard::Success);
        for (status, body, retry_after_s) in
            [(503, problem.clone(), None), (503, json!(null), Some(2)), (500, problem, Some(2))]
        {
            let heard = heard(&reply(status, body, retry_after_s));
            assert!(matches!(heard, Heard::Other(_)), "{heard:?}");
        }
    }
}
