//! What the pages of lists for organisations show. Pure.

use askama::Template;

use super::model::{Format, Tie, Whom};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::register::{Link, Typed, Wrong, message, typed};
use crate::console::view::{Choice, Tag};
use crate::domains::residence::roster::pages::LIST;
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::organisation::model::Entry;
use crate::people::organisation::pages::state;

/// An organisation, how many people it has, and the form that asks why it is given a list of them.
#[derive(Debug, Template)]
#[template(path = "residence/roster.html")]
pub(super) struct RosterPage {
    frame: Frame,
    back: Link,
    action: String,
    title: String,
    state: Tag,
    /// Why there is no list, where there is none.
    none: Option<(String, String)>,
    inputs: Vec<Input>,
}

impl RosterPage {
    /// `counts` says how many people there are of each tie.
    pub(super) fn new(frame: Frame, entry: &Entry, counts: &[(Tie, u32)], form: &Typed, wrong: Wrong) -> Self {
        let locale = frame.locale();
        let name = entry.organisation.name.clone();
        let none = if entry.closed {
            Some((locale.text("roster-closed-title"), locale.text("roster-closed")))
        } else if counts.iter().all(|(_, count)| *count == 0) {
            Some((locale.text("roster-nobody-title"), locale.text_with("roster-nobody", &[("name", &name)])))
        } else {
            None
        };
        Self {
            back: Link { to: LIST.to_owned(), text: locale.text("roster-title") },
            action: format!("{LIST}/{}", entry.organisation.organisation_id),
            state: state(locale, entry.closed),
            inputs: if none.is_none() { inputs(locale, counts, form, wrong) } else { Vec::new() },
            none,
            title: locale.text_with("roster-one-title", &[("name", &name)]),
            frame,
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }
}

fn inputs(locale: Locale, counts: &[(Tie, u32)], form: &Typed, wrong: Wrong) -> Vec<Input> {
    let lists = counts.iter().flat_map(|(tie, count)| Whom::lists(*tie, *count).map(|list| (list, *count)));
    let list = |(list, count): (Whom, u32)| {
        let people = locale.text_with(&format!("roster-{}", list.tie.name()), &[("count", &count.to_string())]);
        let (first, last) = list.places(count);
        let part = [("first", first.to_string()), ("last", last.to_string())];
        let part = part.each_ref().map(|(name, value)| (*name, value.as_str()));
        Choice {
            hint: if first == 1 && last == count { String::new() } else { locale.text_with("roster-part", &part) },
            ..Choice::new(list.name(), people)
        }
    };
    let format = |format: Format| Choice {
        hint: locale.text(&format!("roster-format-{}-hint", format.name())),
        ..Choice::new(format.name(), locale.text(&format!("roster-format-{}", format.name())))
    };
    let input = |name: &'static str, choices: Vec<Choice>| {
        let asked = locale.text(&format!("roster-{name}"));
        Input::choice(name, asked, choices, typed(form, name)).wrong(message(locale, wrong, name))
    };
    vec![
        input("whom", lists.map(list).collect()),
        input("given", Choice::of_person(locale, &Purpose::OF_LISTS)),
        input("format", Format::ALL.map(format).into()),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::ids::OrganisationId;
    use uuid::Uuid;

    use super::*;
    use crate::people::organisation::{Kind, Organisation};

    /// Every page of lists in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let entry = |closed| Entry {
            organisation: Organisation {
                organisation_id: OrganisationId(Uuid::nil()), name: "测试电子厂".to_owned()
            },
            kind: Some(Kind::Employer),
            closed,
        };
        let (some, nobody) = ([(Tie::Works, 12_000), (Tie::Lives, 7)], [(Tie::Works, 0), (Tie::Lives, 0)]);
        [
            ("asks", false, &some, None),
            ("missing", false, &some, Some(("whom", "roster-whom-missing"))),
            ("nobody", false, &nobody, None),
            ("closed", true, &some, None),
        ]
        .into_iter()
        .map(|(name, closed, counts, wrong)| {
            let page = RosterPage::new(frame.clone(), &entry(closed), counts, &Typed::new(), wrong);
            (format!("roster-{name}"), page.render().expect("it renders"))
        })
        .collect()
    }
}
