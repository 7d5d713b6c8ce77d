//! The staff card on a member's page: issued, let in, reported lost (decision 0032).

use card_schema::ids::{CardId, TerminalId};

use super::Wrong;
use super::pages::one::sign_in_path;
use crate::app::App;
use crate::cards::expiry::rules::Clock;
use crate::cards::{self, Bearer, Card, CardState, issuance};
use crate::console::holder::desks;
use crate::console::input::Input;
use crate::console::register::{Typed, typed};
use crate::console::view::{Choice, card_state, day, short};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::StaffId;

/// The act that issues one.
pub(super) const ISSUE: &str = "card";
/// The act that reports it lost.
pub(super) const LOST: &str = "card_lost";
/// The act that lets it sign in.
pub(super) const SIGN_IN: &str = "sign_in_with_card";
/// The field in which a reader is chosen.
pub(super) const READER: &str = "terminal_id";

/// Somebody's card, and where they get one.
#[derive(Clone, Debug)]
pub(super) struct TheirCard {
    /// The newest that is of use or was, with its state now.
    pub(super) card: Option<(Card, CardState)>,
    /// Readers at which one is issued.
    pub(super) desks: Vec<Choice>,
}

impl TheirCard {
    pub(super) async fn load(app: &App, by: StaffId, of: StaffId) -> Result<Self, Refusal> {
        let clock = Clock::at(app.now());
        let cards = cards::store::of(&mut app.db.read().await?, Bearer::Staff(of)).await?.into_iter();
        let mut with_states = cards.map(|card| {
            let state = clock.state(&card);
            (card, state)
        });
        // One that is being issued does not hide the one that works.
        let is_new = |state| matches!(state, CardState::Personalising | CardState::Personalised | CardState::Abandoned);
        Ok(Self { card: with_states.find(|(_, state)| !is_new(*state)), desks: desks(app, by).await? })
    }

    /// The card in words.
    pub(super) fn text(&self, locale: Locale) -> String {
        let Some((card, state)) = &self.card else { return locale.text("staff-card-none") };
        let number = short(&card.card_id.to_string());
        let key = match (state, card.signs_in) {
            (CardState::Active, true) => "staff-card-signs-in",
            (CardState::Active, false) => "staff-card-not-agreed",
            _ => "staff-card-other",
        };
        let known = [("card", number), ("state", card_state(locale, *state)), ("day", day(card.expires_at))];
        locale.text_with(key, &known.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    /// What can be done about it, with what has to be said, for somebody who works or does not.
    pub(super) fn acts(
        &self,
        works: bool,
        locale: Locale,
        chosen: Option<&str>,
        wrong: Option<String>,
    ) -> Vec<(&'static str, Vec<Input>)> {
        let mut acts = Vec::new();
        if let Some((card, state @ (CardState::Active | CardState::Suspended))) = &self.card {
            if !card.signs_in && *state == CardState::Active {
                acts.push((SIGN_IN, Vec::new()));
            }
            acts.push((LOST, Vec::new()));
        }
        if works {
            let only = self.desks.iter().find(|desk| desk.chosen).map(|desk| desk.value.as_str());
            let chosen = chosen.or(only).unwrap_or_default();
            let reader = Input::choice(READER, locale.text("find-tap-ask"), self.desks.clone(), chosen);
            acts.push((ISSUE, vec![reader.wrong(wrong)]));
        }
        acts
    }

    /// The same with an invented card.
    #[cfg(test)]
    pub(super) fn with(self, state: CardState, signs_in: bool) -> Self {
        use card_schema::clock::Micros;
        let card = Card {
            card_id: CardId::new(1204, card_schema::ids::Shard(0), [7; 16]),
            bearer: Bearer::Staff(StaffId(uuid::Uuid::nil())),
            signs_in,
            state,
            created_at: Micros(0),
            expires_at: Micros(0),
            changed_at: Micros(0),
        };
        Self { card: Some((card, state)), ..self }
    }
}

/// The card in use of somebody.
pub(super) async fn in_use(app: &App, of: StaffId) -> Result<Option<CardId>, Refusal> {
    let cards = cards::store::of(&mut app.db.read().await?, Bearer::Staff(of)).await?;
    let mut in_use = cards.iter().filter(|card| matches!(card.state, CardState::Active | CardState::Suspended));
    Ok(in_use.next().map(|card| card.card_id))
}

/// Issues a card to somebody, or reports theirs lost. Where to go on; nothing where something else is wished for.
pub(super) async fn change(
    app: &App,
    by: StaffId,
    about: StaffId,
    (form, reads): (&Typed, Locale),
) -> Result<Option<Result<String, Wrong>>, Refusal> {
    match typed(form, "act") {
        LOST => {
            let Some(card) = in_use(app, about).await? else { return Ok(Some(Err((LOST, "staff-card-not-in-use")))) };
            cards::api::set_state(app, by, card, CardState::Lost, "lost".to_owned()).await?;
            Ok(Some(Ok(sign_in_path(about))))
        }
        ISSUE => {
            let Ok(terminal) = typed(form, READER).parse::<TerminalId>() else {
                return Ok(Some(Err((READER, "console-issue-desk-missing"))));
            };
            let (_, issuance) = issuance::start(app, by, Bearer::Staff(about), reads, terminal, None).await?;
            Ok(Some(Ok(format!("/issuances/{issuance}"))))
        }
        _ => Ok(None),
    }
}
