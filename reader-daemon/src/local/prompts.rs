//! What jobs ask of the person at the reader, and who answers. Holds questions only: a PIN goes straight to who asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use uuid::Uuid;

use super::{
    guard,
    wire::{Prompt, PromptAnswer, PromptKind},
};

/// The open questions.
#[derive(Clone, Debug)]
pub struct Prompts {
    open: Arc<Mutex<BTreeMap<Uuid, Open>>>,
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Open {
    prompt: Prompt,
    since: Instant,
    answer: oneshot::Sender<PromptAnswer>,
}

impl Default for Prompts {
    fn default() -> Self {
        Self { open: Arc::default(), changed: Arc::new(watch::Sender::new(0)) }
    }
}

impl Prompts {
    /// Asks, and waits for the answer; nothing when none came in time.
    pub async fn ask(
        &self,
        kind: PromptKind,
        reader: &str,
        text: Option<String>,
        tries_left: Option<u8>,
        wait: Duration,
    ) -> Option<PromptAnswer> {
        let id = guard::random_id();
        let (answer, answered) = oneshot::channel();
        let prompt = Prompt { id, kind, reader: Some(reader.to_owned()), text, tries_left };
        self.lock().insert(id, Open { prompt, answer, since: Instant::now() });
        self.tell();
        // Also when whoever asks goes on without the answer.
        let _over = Over { prompts: self, id };
        tokio::time::timeout(wait, answered).await.ok().and_then(Result::ok)
    }

    /// The open questions; when there is none, waits for one.
    pub async fn open(&self, wait: Duration) -> Vec<Prompt> {
        let mut changed = self.changed.subscribe();
        let some = || -> Vec<Prompt> { self.lock().values().map(|open| open.prompt.clone()).collect() };
        let deadline = Instant::now() + wait;
        loop {
            let open = some();
            if !open.is_empty() || tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
                return open;
            }
        }
    }

    /// The question that has been open for longest.
    pub(super) fn first(&self) -> Option<Prompt> {
        self.lock().values().min_by_key(|open| open.since).map(|open| open.prompt.clone())
    }

    /// Sees whether anything is asked or is over.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Answers a question. False when it is not open any more.
    pub fn answer(&self, id: Uuid, answer: PromptAnswer) -> bool {
        let Some(open) = self.lock().remove(&id) else { return false };
        open.answer.send(answer).is_ok()
    }

    fn tell(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, Open>> {
        self.open.lock().expect("nobody panics while holding this lock")
    }
}

/// Takes a question away when nobody waits for its answer any more.
struct Over<'a> {
    prompts: &'a Prompts,
    id: Uuid,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.prompts.lock().remove(&self.id);
        self.prompts.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_is_answered_once_by_whoever_waits_for_it() {
        let prompts = Prompts::default();
        let asking = prompts.clone();
        let asked =
            tokio::spawn(async move { asking.ask(PromptKind::NewPin, "A", None, None, Duration::from_mins(1)).await });
        let open = prompts.open(Duration::from_mins(1)).await;
        assert_eq!((open.len(), open[0].kind), (1, PromptKind::NewPin));
        assert!(prompts.answer(open[0].id, PromptAnswer { pin: None, confirm: true }));
        assert!(!prompts.answer(open[0].id, PromptAnswer { pin: None, confirm: false }));
        assert!(asked.await.unwrap().unwrap().confirm);
        assert!(prompts.open(Duration::ZERO).await.is_empty());
    }

    #[tokio::test]
    async fn a_question_that_nobody_answers_ends() {
        let prompts = Prompts::default();
        assert!(prompts.ask(PromptKind::Pin, "A", None, Some(3), Duration::from_millis(5)).await.is_none());
        assert!(prompts.open(Duration::ZERO).await.is_empty());
    }
}
