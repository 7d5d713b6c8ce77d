//! What the pages of the registration show: page structs, filled with texts in the reader's language. Pure.

mod ask;
mod cell;
mod change;
pub mod history;

use askama::Template;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::household::view::HOUSEHOLD;
use super::model::{Facts, Field, Wrong};
use super::similar::{self, Distinction};
use super::{region, rules};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::masked_number;
use crate::console::view::Choice;
use crate::i18n::Locale;

pub(crate) use ask::AskPage;
pub(super) use cell::CellPage;
pub(super) use change::{ChangeForm, ChangePage, Problem};

/// The pages on which something is typed: one thing a page, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What the person shows.
    Document,
    /// Who the person is.
    Person,
    /// How the person is reached, and from where.
    Contact,
    /// Where the person lives now.
    Home,
}

impl Step {
    pub(super) const ALL: [Self; 4] = [Self::Document, Self::Person, Self::Contact, Self::Home];

    /// Its name in addresses.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Person => "person",
            Self::Contact => "contact",
            Self::Home => "home",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// What is typed there.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::Document => DOCUMENT,
            Self::Person => &[Field::Name, Field::LatinName, Field::Birth],
            Self::Contact => &[Field::Phone, Field::HouseholdRegion, Field::Occupation],
            Self::Home => {
                use Field::{Address, AddressSince, CitySince, Home, Host, Room, StayUntil};
                &[Address, Room, AddressSince, Home, Host, CitySince, StayUntil]
            }
        }
    }

    /// Where a field is typed.
    pub(super) fn of(field: Field) -> Self {
        Self::ALL.into_iter().find(|step| step.fields().contains(&field)).unwrap_or(Self::Document)
    }

    /// Its place among all, from 0.
    const fn place(self) -> usize {
        self as usize
    }

    /// The one after it; none after the last.
    pub(super) fn next(self) -> Option<Self> {
        Self::ALL.get(self.place() + 1).copied()
    }

    fn before(self) -> Option<Self> {
        self.place().checked_sub(1).map(|before| Self::ALL[before])
    }
}

/// How far a page is on the way, in words; the last is the one on which everything is checked.
fn progress(locale: Locale, place: usize) -> String {
    let [number, all] = [place + 1, Step::ALL.len() + 1].map(|number| number.to_string());
    locale.text_with("residence-progress", &[("number", &number), ("all", &all)])
}

/// The last part of a text's key.
pub(super) fn key(name: &str) -> String {
    name.replace('_', "-")
}

/// What a field is called.
pub fn label(locale: Locale, field: Field) -> String {
    locale.text(&format!("residence-field-{}", key(field.name())))
}

/// What a checked text of a field says to people; that it was not given, where it is empty.
pub fn shown(locale: Locale, field: Field, text: &str) -> String {
    match field {
        _ if text.is_empty() => locale.text("residence-not-given"),
        Field::DocumentKind => locale.text(&format!("residence-document-{}", key(text))),
        Field::Home => locale.text(&format!("residence-home-{text}")),
        Field::HouseholdRegion => match region::by_code(text) {
            Some(region) => match region.until {
                Some(year) => locale.text_with(
                    "residence-region-retired",
                    &[("region", &region.full_name()), ("code", text), ("year", &year.to_string())],
                ),
                None => format!("{} {text}", region.full_name()),
            },
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

/// The fields that say which document somebody shows.
pub const DOCUMENT: &[Field] = &[Field::DocumentKind, Field::DocumentNumber];

/// The fields of a form, with what was typed and what is wrong with it.
pub fn inputs(locale: Locale, fields: &[Field], typed: &Facts, wrong: &[Wrong], today: Date) -> Vec<Input> {
    fields.iter().map(|field| input(locale, *field, typed, wrong, today)).collect()
}

/// One field of a form.
fn input(locale: Locale, field: Field, typed: &Facts, wrong: &[Wrong], today: Date) -> Input {
    let value = match (field, typed.get(field)) {
        // Often it is the one in the document; the person says whether it is.
        (Field::HouseholdRegion, "") => {
            rules::region_in_document(typed, today).map_or_else(String::new, |region| region.code.to_owned())
        }
        (Field::Birth, "") => {
            rules::birth_in_document(typed, today).map_or_else(String::new, |birth| birth.to_string())
        }
        (_, text) => text.to_owned(),
    };
    let asked = format!("residence-ask-{}", key(field.name()));
    let hint = format!("residence-hint-{}", key(field.name()));
    let hint = match field {
        Field::HouseholdRegion if region::by_code(&value).is_some() => {
            let region = shown(locale, field, &value);
            Some(format!("{} {}", locale.text(&hint), locale.text_with("residence-region-is", &[("region", &region)])))
        }
        _ => locale.has(&hint).then(|| locale.text(&hint)),
    };
    let choice = |name: &'static str| Choice { chosen: name == value, ..Choice::new(name, shown(locale, field, name)) };
    let wrong = wrong.iter().find(|wrong| wrong.field == field);
    let label = if locale.has(&asked) { locale.text(&asked) } else { label(locale, field) };
    Input {
        hint,
        choices: field.names().into_iter().map(choice).collect(),
        mode: if field == Field::Phone { "tel" } else { "text" },
        wrong: wrong.map(|wrong| locale.text_with(wrong.key, &[("at", &wrong.at)])),
        ..Input::text(field.name(), label, value.clone())
    }
}

/// Whether something is wrong in a form.
fn is_wrong(inputs: &[Input]) -> bool {
    inputs.iter().any(Input::is_wrong)
}

/// Something is typed.
#[derive(Debug, Template)]
#[template(path = "residence/form.html")]
pub(super) struct FormPage {
    frame: Frame,
    action: String,
    back: String,
    title: String,
    progress: String,
    inputs: Vec<Input>,
}

impl FormPage {
    /// The page of a step; `draft` is the address of the draft.
    pub(super) fn new(frame: Frame, draft: &str, step: Step, typed: &Facts, wrong: &[Wrong], today: Date) -> Self {
        let locale = frame.locale();
        let mut typed = typed.clone();
        if typed.get(Field::AddressSince).is_empty() && wrong.is_empty() {
            // Most people come to the desk when they have moved in.
            typed.set(Field::AddressSince, today.to_string());
        }
        Self {
            action: format!("{draft}/{}", step.name()),
            back: step.before().map_or_else(|| "/".to_owned(), |before| format!("{draft}/{}", before.name())),
            title: locale.text(&format!("residence-step-{}", step.name())),
            progress: progress(locale, step.place()),
            inputs: inputs(locale, step.fields(), &typed, wrong, today),
            frame,
        }
    }

    fn is_wrong(&self) -> bool {
        is_wrong(&self.inputs)
    }
}

/// A field of two records.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What it is called.
    pub label: String,
    /// What the one says.
    pub left: String,
    /// What the other says; numbers of documents only in part.
    pub right: String,
}

/// Two records side by side: enough to tell whether they are of one person.
pub fn compared(locale: Locale, left: &Facts, right: &Facts) -> Vec<Compared> {
    let right = match right.get(Field::DocumentNumber) {
        "" => right.clone(),
        number => right.clone().with(Field::DocumentNumber, masked_number(number)),
    };
    let line = |field: Field| Compared {
        label: label(locale, field),
        left: shown(locale, field, left.get(field)),
        right: shown(locale, field, right.get(field)),
    };
    similar::SHOWN.map(line).into()
}

/// Somebody is registered who may be the same person.
#[derive(Debug, Template)]
#[template(path = "residence/similar.html")]
pub(super) struct SimilarPage {
    frame: Frame,
    draft: String,
    other: String,
    /// What was typed beside what is known of the other.
    lines: Vec<Compared>,
    choices: Vec<Choice>,
    missing: bool,
}

/// The answer that both are one person.
pub(super) const SAME: &str = "same";

impl SimilarPage {
    pub(super) fn new(frame: Frame, draft: &str, typed: &Facts, other: HolderId, known: &Facts, missing: bool) -> Self {
        let locale = frame.locale();
        let choice =
            |value: &'static str| Choice::new(value, locale.text(&format!("residence-similar-{}", key(value))));
        Self {
            draft: draft.to_owned(),
            other: other.to_string(),
            lines: compared(locale, typed, known),
            choices: [SAME].into_iter().chain(Distinction::ALL.map(Distinction::name)).map(choice).collect(),
            missing,
            frame,
        }
    }
}

/// One line of what was typed.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    label: String,
    value: String,
    change: String,
}

/// The page on which is said where the house lies, by its name in addresses.
pub(super) const CELL: &str = "cell";

/// Everything that was typed, before it is kept.
#[derive(Debug, Template)]
#[template(path = "residence/check.html")]
pub(super) struct CheckPage {
    frame: Frame,
    draft: String,
    back: String,
    progress: String,
    answers: Vec<Answer>,
    /// How the person agrees.
    inputs: Vec<Input>,
}

impl CheckPage {
    /// The page of facts that were checked; `draft` is the address of the draft, `cell` where the house lies: empty where
    /// nobody knows yet, nothing where there are no cells; `household` what the person is in one, if somebody was asked.
    pub(super) fn new(
        frame: Frame,
        draft: &str,
        facts: &Facts,
        [cell, household]: [Option<String>; 2],
        agrees: Input,
    ) -> Self {
        let locale = frame.locale();
        let answer = |field: Field| Answer {
            label: label(locale, field),
            value: shown(locale, field, facts.get(field)),
            change: format!("{draft}/{}#{}", Step::of(field).name(), field.name()),
        };
        let lies = |cell: String| Answer {
            label: locale.text("cell-label"),
            value: if cell.is_empty() { locale.text("cell-not-known") } else { cell },
            change: format!("{draft}/{CELL}"),
        };
        let belongs = |value: String| Answer {
            label: locale.text("household-title"),
            value,
            change: format!("{draft}/{HOUSEHOLD}"),
        };
        Self {
            draft: draft.to_owned(),
            back: format!("{draft}/{}", Step::Home.name()),
            progress: progress(locale, Step::ALL.len()),
            answers: Field::ALL.into_iter().map(answer).chain(cell.map(lies)).chain(household.map(belongs)).collect(),
            inputs: vec![agrees],
            frame,
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        is_wrong(&self.inputs)
    }
}

/// Somebody is registered with the document already.
#[derive(Debug, Template)]
#[template(path = "residence/known.html")]
pub(super) struct KnownPage {
    pub(super) frame: Frame,
    /// The address of the draft.
    pub(super) draft: String,
    /// Who it is.
    pub(super) holder: String,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::agreement::view::agrees;
    use super::super::house::Choices;
    use super::super::{Meanwhile, rules};
    use super::*;

    /// Every page of the registration in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let today = Date::new(2026, 11, 23).unwrap();
        let typed = Facts::default()
            .with(Field::DocumentKind, "resident_identity_card")
            .with(Field::DocumentNumber, "110000199001010013")
            .with(Field::Name, "测试甲")
            .with(Field::HouseholdRegion, "110103")
            .with(Field::Address, "测试路 1 号")
            .with(Field::AddressSince, "2026-03-01")
            .with(Field::Home, "rented");
        let mut pages = Vec::new();
        for step in Step::ALL {
            let empty = Facts::default();
            let wrong = rules::check_fields(step.fields(), &empty, today).err().unwrap_or_default();
            for (state, typed, wrong) in [("empty", &empty, &[][..]), ("wrong", &empty, &wrong), ("typed", &typed, &[])]
            {
                let page = FormPage::new(frame.clone(), "/registrations/x", step, typed, wrong, today);
                pages.push((format!("registration-{}-{state}", step.name()), page.render().unwrap()));
            }
        }
        let facts = rules::check(&typed, today).unwrap();
        let draft = "/registrations/x".to_owned();
        for (name, child, wrong) in [("check", false, None), ("check-child", true, Some("agreement-means-child"))] {
            let known = ["测试区 第 1 网格", "配偶"].map(|text| Some(text.to_owned()));
            let agrees = agrees(frame.locale(), child, wrong);
            let page = CheckPage::new(frame.clone(), &draft, &facts, known, agrees);
            pages.push((name.to_owned(), page.render().unwrap()));
        }
        for missing in [false, true] {
            let options = vec![("cell:1".to_owned(), "第 1 网格".to_owned())];
            let cell = CellPage {
                frame: frame.clone(),
                action: "/registrations/x/cell".to_owned(),
                back: "/registrations/x/home".to_owned(),
                address: "测试路 1 号".to_owned(),
                along: vec![("why".to_owned(), "changed".to_owned())],
                choices: Choices { cells: !missing, groups: vec![("测试社区".to_owned(), options)] },
                missing,
            };
            pages.push((format!("cell-{missing}"), cell.render().unwrap()));
            let holder = HolderId::new(card_schema::ids::Shard(3), [8; 16]);
            let page = SimilarPage::new(frame.clone(), &draft, &typed, holder, &facts, missing);
            pages.push((format!("similar-{missing}"), page.render().unwrap()));
        }
        let known = KnownPage { frame: frame.clone(), draft, holder: "y".to_owned() };
        pages.push(("known".to_owned(), known.render().unwrap()));
        let newest = Meanwhile { leaf: 7, at: card_schema::clock::Micros(0), staff: "test-clerk".to_owned() };
        let problems =
            [("asks", None), ("missing", Some(Problem::NoReason)), ("meanwhile", Some(Problem::Meanwhile(&newest)))];
        for (name, problem) in problems {
            let holder = HolderId::new(card_schema::ids::Shard(3), [8; 16]);
            let form = ChangeForm { typed: &typed, reason: None, seen: 7, problem };
            let page = ChangePage::new(frame.clone(), holder, Field::DocumentNumber, &form, today);
            pages.push((format!("change-{name}"), page.render().unwrap()));
        }
        pages
    }

    #[test]
    fn a_field_stands_on_one_page_and_each_page_leads_to_the_next() {
        for field in Field::ALL {
            assert_eq!(Step::ALL.iter().filter(|step| step.fields().contains(&field)).count(), 1, "{field:?}");
        }
        let mut walked = vec![Step::ALL[0]];
        while let Some(next) = walked[walked.len() - 1].next() {
            walked.push(next);
        }
        assert_eq!(walked, Step::ALL);
    }

    #[test]
    fn a_region_that_was_given_up_is_shown_with_its_last_year() {
        assert_eq!(shown(Locale::En, Field::HouseholdRegion, "110103"), "北京市崇文区 110103 (code in use until 2009)");
        assert_eq!(shown(Locale::En, Field::HouseholdRegion, "340104"), "安徽省合肥市蜀山区 340104");
    }
}
