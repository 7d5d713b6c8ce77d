//! What the pages about households show: one question a page. Pure.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::Relationship;
use crate::console::frame::Frame;
use crate::console::history::Line;
use crate::console::input::Input;
use crate::console::view::Choice;
use crate::domains::residence::model::{ChangeReason, Facts, Wrong};
use crate::domains::residence::view::{AskPage, DOCUMENT, inputs};
use crate::i18n::Locale;

/// The answer that a newcomer belongs to none of the households that are offered.
pub(super) const NONE: &str = "none";
/// The pages of a registration on which households are asked about, by their names in addresses.
pub(in crate::domains::residence) const HOUSEHOLD: &str = "household";
/// See [`HOUSEHOLD`].
pub(in crate::domains::residence) const RELATIONSHIP: &str = "relationship";

/// How somebody is related to the head, in words.
pub fn relationship_text(locale: Locale, relationship: Relationship) -> String {
    locale.text(&format!("relationship-{}", relationship.name()))
}

/// Something that was done with how a person belongs to a household; `ended` says why it was so no longer, where it ended.
pub fn line(locale: Locale, at: Micros, who: String, ended: Option<ChangeReason>) -> Line {
    let why = ended.map_or_else(|| "household-begun".to_owned(), |why| format!("household-ended-{}", why.name()));
    Line::at(at, locale.text("household-title"), locale.text(&why), who)
}

/// Where a question stands: its own address, and that from which somebody comes.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) frame: Frame,
    pub(super) action: String,
    pub(super) back: String,
}

impl Way {
    /// A page that asks; `text` is the beginning of the keys of its title and lead.
    fn asks(self, text: &str, lead: &[(&str, &str)], inputs: Vec<Input>) -> AskPage {
        let locale = self.frame.locale();
        AskPage {
            title: locale.text(&format!("{text}-title")),
            lead: locale.text_with(&format!("{text}-lead"), lead),
            along: Vec::new(),
            meanwhile: None,
            button: locale.text("residence-continue"),
            inputs,
            action: self.action,
            back: self.back,
            frame: self.frame,
        }
    }

    /// How the person is related to the head of this name.
    pub(super) fn relationship(self, head: &str, person: HolderId, chosen: &str, missing: bool) -> AskPage {
        let inputs = vec![related(self.frame.locale(), chosen, missing)];
        let along = vec![("whose", person.to_string())];
        AskPage { along, ..self.asks("household-related", &[("head", head)], inputs) }
    }

    /// With whom somebody lives: the document of that person.
    pub(super) fn whose(self, typed: &Facts, wrong: &[Wrong], today: Date) -> AskPage {
        let inputs = inputs(self.frame.locale(), DOCUMENT, typed, wrong, today);
        self.asks("household-whose", &[], inputs)
    }

    /// How somebody is related to the head after all, and why that is another than was said.
    pub(super) fn corrected(self, chosen: &str, why: &str, is_sent: bool) -> AskPage {
        let locale = self.frame.locale();
        let missing = is_sent && Relationship::of_member(chosen).is_none();
        let reasons = reasons(locale, "residence-change", why, is_sent);
        self.asks("household-correct", &[], vec![related(locale, chosen, missing), reasons])
    }

    /// How the head before is related to the person who becomes the head.
    pub(super) fn head(self, chosen: &str, missing: bool) -> AskPage {
        let inputs = vec![related(self.frame.locale(), chosen, missing)];
        self.asks("household-new-head", &[], inputs)
    }

    /// Why somebody belongs to the household no longer.
    pub(super) fn leave(self, why: &str, is_sent: bool) -> AskPage {
        let inputs = vec![reasons(self.frame.locale(), "household-leave", why, is_sent)];
        self.asks("household-leave", &[], inputs)
    }

    /// Whether a newcomer belongs to the household of one of these.
    pub(super) fn offer(self, people: &[(HolderId, String)], missing: bool) -> AskPage {
        let locale = self.frame.locale();
        let one = |(person, name): &(HolderId, String)| {
            Choice::new(person.to_string(), locale.text_with("household-of", &[("name", name)]))
        };
        let none = Choice::new(NONE, locale.text("household-offer-none"));
        let choices = people.iter().map(one).chain([none]).collect();
        let asked = Input::choice("whose", locale.text("household-offer-ask"), choices, "");
        let wrong = missing.then(|| locale.text("household-offer-missing"));
        self.asks("household-offer", &[], vec![asked.wrong(wrong)])
    }
}

fn related(locale: Locale, chosen: &str, missing: bool) -> Input {
    let choices = Relationship::OF_MEMBERS.map(|one| Choice::new(one.name(), relationship_text(locale, one)));
    Input::choice("relationship", locale.text("household-relationship"), choices.into(), chosen)
        .wrong(missing.then(|| locale.text("household-relationship-missing")))
}

fn reasons(locale: Locale, text: &str, chosen: &str, is_sent: bool) -> Input {
    let choice = |one: ChangeReason| Choice::new(one.name(), locale.text(&format!("{text}-{}", one.name())));
    let missing = is_sent && ChangeReason::from_name(chosen).is_none();
    Input::choice("why", locale.text("household-why"), ChangeReason::ALL.map(choice).into(), chosen)
        .wrong(missing.then(|| locale.text("residence-change-missing")))
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::clock::Micros;
    use card_schema::ids::Shard;

    use super::*;
    use crate::domains::residence::Meanwhile;

    /// Every page in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let way =
            || Way { frame: frame.clone(), action: "/holders/x/household".to_owned(), back: "/holders/x".to_owned() };
        let holder = HolderId::new(Shard(3), [8; 16]);
        let today = Date::new(2026, 11, 23).unwrap();
        let named =
            |state: bool, name: &str, page: AskPage| (format!("household-{name}-{state}"), page.render().unwrap());
        let newest = Meanwhile { leaf: 7, at: Micros(0), staff: "test-clerk".to_owned() };
        let mut pages = Vec::new();
        for state in [false, true] {
            let chosen = if state { "spouse" } else { "" };
            pages.extend([
                named(state, "relationship", way().relationship("测试甲", holder, "", state)),
                named(state, "whose", way().whose(&Facts::default(), &[], today)),
                named(state, "corrected", way().corrected(chosen, "", true)),
                named(state, "head", way().head("", state)),
                named(state, "leave", way().leave("", state)),
                named(
                    state,
                    "meanwhile",
                    way()
                        .leave("changed", state)
                        .told("household-changed-meanwhile", &newest)
                        .knowing("x.7 ".to_owned()),
                ),
                named(state, "offer", way().offer(&[(holder, "测试甲".to_owned())], state)),
            ]);
        }
        pages
    }
}
