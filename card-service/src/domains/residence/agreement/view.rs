//! What the pages about agreements show: the question how somebody agrees, the form, what is asked about a form that
//! was signed, how an agreement stands. Pure.

use askama::Template;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::{Form, FormNumber, Means, Said, Signed, Signer, Standing};
use super::rules::{Typed, Wrong};
use super::store::PastAct;
use crate::consent::Text;
use crate::console::frame::Frame;
use crate::console::history;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::Link;
use crate::console::view::{Choice, Tag, minute};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::view::{AskPage, label, shown};
use crate::i18n::Locale;

/// The page of a registration on which the form is printed and signed, by its name in addresses.
pub(in crate::domains::residence) const AGREEMENT: &str = "agreement";
/// The question how somebody agrees.
pub(in crate::domains::residence) const AGREES: &str = "agrees";
/// The answer: with the card.
pub(in crate::domains::residence) const WITH_CARD: &str = "card";
/// The answer: on a form.
pub(in crate::domains::residence) const ON_PAPER: &str = "paper";

/// Asks how a newcomer agrees. For a child there is one way.
pub(in crate::domains::residence) fn agrees(locale: Locale, is_child: bool, wrong: Option<&str>) -> Input {
    let choice = |name: &'static str| Choice {
        hint: locale.text(&format!("agreement-means-{name}-hint")),
        ..Choice::new(name, locale.text(&format!("agreement-means-{name}")))
    };
    let choices = if is_child {
        let hint = locale.text("agreement-means-child-hint");
        vec![Choice { hint, ..choice(ON_PAPER) }]
    } else {
        vec![choice(WITH_CARD), choice(ON_PAPER)]
    };
    Input::choice(AGREES, locale.text("agreement-means-ask"), choices, "").wrong(wrong.map(|key| locale.text(key)))
}

/// Who signed, in words.
pub fn signer_text(locale: Locale, signed: &Signed) -> String {
    let capacity = locale.text(&format!("agreement-signer-{}", signed.signer.name()));
    if signed.name.is_empty() { capacity } else { format!("{} · {capacity}", signed.name) }
}

/// How an agreement stands; nothing was said where nobody has agreed.
pub fn tag(locale: Locale, said: Option<&Said>) -> Tag {
    let standing = said.map_or(&Standing::Missing, |said| &said.standing);
    let tone = match standing {
        Standing::Missing => Tone::Wait,
        Standing::Agreed { .. } => Tone::Ok,
        Standing::Withdrawn => Tone::No,
    };
    Tag { text: locale.text(&format!("agreement-standing-{}", standing.name())), tone }
}

/// Something that was done with the forms of a record.
pub fn line(locale: Locale, past: PastAct) -> history::Line {
    let what = locale.text(&format!("timeline-agreement-{}", past.act.name()));
    let form = past.form.map(|form| locale.text_with("agreement-form", &[("number", &form.to_string())]));
    let day = locale.text_with("agreement-on", &[("day", &past.day.to_string())]);
    let why = form.into_iter().chain([day]).collect::<Vec<_>>().join(" · ");
    history::Line::at(past.at, what, why, past.staff).of(&locale.text("agreement-title"))
}

/// By which means somebody agreed, in words.
fn means_text(locale: Locale, means: Means) -> String {
    match means {
        Means::Card => locale.text("agreement-by-card"),
        Means::Paper(form) => locale.text_with("agreement-by-paper", &[("number", &form.to_string())]),
    }
}

/// The questions about a form that was signed, or about an agreement that is withdrawn: then there is no form.
pub(super) fn inputs(locale: Locale, form: Option<&str>, typed: &Typed, wrong: &[Wrong]) -> Vec<Input> {
    let said = |input: Input| {
        let text = wrong.iter().find(|wrong| wrong.field == input.name).map(|wrong| {
            let day = wrong.day.map_or_else(String::new, |day| day.to_string());
            locale.text_with(wrong.key, &[("day", &day)])
        });
        input.wrong(text)
    };
    let asked = |name: &'static str, value: &str| {
        let input = Input::text(name, locale.text(&format!("agreement-ask-{name}")), value);
        input.hint(locale.text(&format!("agreement-hint-{name}")))
    };
    let choice =
        |signer: Signer| Choice::new(signer.name(), locale.text(&format!("agreement-signer-{}", signer.name())));
    let signer =
        Input::choice("signer", locale.text("agreement-ask-signer"), Signer::ALL.map(choice).into(), &typed.signer);
    let number = form.map(|number| Input { mode: "numeric", ..asked("form", number) });
    let rest = [asked("day", &typed.day), signer, asked("name", &typed.name)];
    number.into_iter().chain(rest).map(said).collect()
}

/// Where a question about the agreement of a holder stands.
fn asks(frame: Frame, holder: HolderId, text: &str, inputs: Vec<Input>) -> AskPage {
    let locale = frame.locale();
    let own = format!("/holders/{holder}/agreement");
    let of = |what: &str| locale.text(&format!("agreement-{text}-{what}"));
    AskPage {
        action: format!("{own}/{text}"),
        back: own,
        title: of("title"),
        lead: of("lead"),
        along: Vec::new(),
        inputs,
        meanwhile: None,
        button: of("button"),
        frame,
    }
}

/// Asks who has signed which form, and when.
pub(super) fn signed_page(frame: Frame, holder: HolderId, form: &str, typed: &Typed, wrong: &[Wrong]) -> AskPage {
    let inputs = inputs(frame.locale(), Some(form), typed, wrong);
    asks(frame, holder, "signed", inputs)
}

/// Asks who withdraws the agreement, and when.
pub(super) fn withdraw_page(frame: Frame, holder: HolderId, typed: &Typed, wrong: &[Wrong]) -> AskPage {
    let inputs = inputs(frame.locale(), None, typed, wrong);
    asks(frame, holder, "withdraw", inputs)
}

/// A text in both languages.
#[derive(Clone, Debug)]
struct Both {
    zh: String,
    en: String,
}

impl Both {
    fn of(text: impl Fn(Locale) -> String) -> Self {
        Self { zh: text(Locale::ZhCn), en: text(Locale::En) }
    }

    fn text(key: &str) -> Self {
        Self::of(|locale| locale.text(key))
    }

    /// Whether it reads the same in both.
    fn is_one(&self) -> bool {
        self.zh == self.en
    }
}

/// Who stands at the desk where a form is printed.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    /// The station, where it is known.
    pub(super) station: Option<String>,
    /// The name to sign in with.
    pub(super) name: String,
}

/// Where a form is shown, and where what is signed on it is sent.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) frame: Frame,
    pub(super) back: String,
    pub(super) action: String,
    /// The key of what the button says.
    pub(super) button: &'static str,
}

/// A form to be printed and signed, and below it the questions about who has signed it.
#[derive(Debug, Template)]
#[template(path = "residence/agreement_form.html")]
pub(super) struct FormPage {
    frame: Frame,
    back: String,
    /// What the number is called, and it.
    asked: Both,
    number: String,
    title: Both,
    /// Labels and values.
    facts: Vec<(Both, Both)>,
    /// The text by paragraphs: its language, and the name of that for browsers.
    texts: Vec<(&'static str, Vec<&'static str>)>,
    /// What is written by hand.
    lines: Vec<Both>,
    note: Both,
    action: String,
    along: Vec<(&'static str, String)>,
    inputs: Vec<Input>,
    button: String,
}

impl FormPage {
    /// `facts` are those of the person; `seen` is what is known of what was said before.
    pub(super) fn new(
        at: At,
        (form, facts): (Form, &Facts),
        witness: &Witness,
        seen: i64,
        (typed_form, typed, wrong): (&str, &Typed, &[Wrong]),
    ) -> Self {
        let At { frame, back, action, button } = at;
        let field = |field: Field| {
            let value = Both::of(|locale| shown(locale, field, facts.get(field)));
            (Both::of(|locale| label(locale, field)), value)
        };
        let said = |key: &str, text: String| (Both::text(key), Both { zh: text.clone(), en: text });
        let station = match &witness.station {
            Some(station) => said("agreement-station", station.clone()),
            None => (Both::text("agreement-station"), Both::text("paper-station")),
        };
        let words = |locale: Locale| {
            let text = Text::find(form.version, locale).map_or("", Text::words);
            (locale.tag(), text.lines().collect())
        };
        let [signature, other, relationship, day] =
            ["signature", "other", "relationship", "day"].map(|line| Both::text(&format!("agreement-line-{line}")));
        let version = form.version.to_string();
        Self {
            back,
            asked: Both::text("agreement-ask-form"),
            number: form.number.to_string(),
            title: Both::text("agreement-form-title"),
            facts: vec![
                field(Field::Name),
                field(Field::DocumentKind),
                field(Field::DocumentNumber),
                station,
                said("agreement-printed", form.day().to_string()),
                said("agreement-witness", witness.name.clone()),
            ],
            texts: Locale::ALL.map(words).into(),
            lines: vec![signature, day.clone(), other, relationship],
            note: Both::of(|locale| locale.text_with("agreement-form-note", &[("version", &version)])),
            action,
            along: vec![("seen", seen.to_string())],
            inputs: inputs(frame.locale(), Some(typed_form), typed, wrong),
            button: frame.t(button),
            frame,
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }
}

/// How the agreement of a holder stands, and what can be done about it.
#[derive(Debug, Template)]
#[template(path = "residence/agreement.html")]
pub(super) struct AgreementPage {
    frame: Frame,
    back: Link,
    holder: String,
    tag: Tag,
    /// What follows.
    next: String,
    facts: Vec<(String, String)>,
    /// What was agreed to.
    words: Vec<&'static str>,
    /// Whether there is something to withdraw.
    is_agreed: bool,
    /// Whether anything can be done here: what is done with a person is done in the record that is kept.
    is_kept: bool,
}

impl AgreementPage {
    pub(super) fn new(frame: Frame, holder: HolderId, said: Option<&Said>, is_kept: bool) -> Self {
        let locale = frame.locale();
        let fact = |key: &str, value: String| (locale.text(&format!("agreement-{key}")), value);
        let mut facts = Vec::new();
        let (mut words, mut is_agreed) = (Vec::new(), false);
        let standing = said.map_or("missing", |said| said.standing.name());
        if let Some(said) = said {
            if let Standing::Agreed { version, means } = said.standing {
                is_agreed = true;
                words = Text::find(version, locale).map_or("", Text::words).lines().collect();
                facts.push(fact("means", means_text(locale, means)));
                facts.push(fact("version", version.to_string()));
            }
            facts.push(fact("day", said.day.to_string()));
            if !said.staff.is_empty() {
                facts.push(fact("recorded", format!("{} · {}", minute(said.at), said.staff)));
            }
        }
        Self {
            back: Link { to: format!("/holders/{holder}"), text: locale.text("console-holder-title") },
            holder: holder.to_string(),
            tag: tag(locale, said),
            next: locale.text(&format!("agreement-next-{standing}")),
            facts,
            words,
            is_agreed,
            is_kept,
            frame,
        }
    }
}

/// What a page begins with: signed today.
pub(super) fn today(today: Date) -> Typed {
    Typed { day: today.to_string(), ..Typed::default() }
}

/// What somebody typed as the number of a form, as it is shown again.
pub(super) fn as_typed(number: Option<FormNumber>, typed: &str) -> String {
    number.map_or_else(|| typed.to_owned(), |number| number.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::Shard;

    use super::super::model::Act;
    use super::*;
    use crate::domains::residence::Meanwhile;
    use crate::domains::residence::view::key;

    const AT: Micros = Micros(1_795_424_645_000_000);

    fn form() -> Form {
        Form { number: FormNumber::from_random([7; 8]), printed: AT, version: 3 }
    }

    fn said(standing: Standing) -> Said {
        let day = Date::new(2026, 11, 23).unwrap();
        let staff = if matches!(standing, Standing::Agreed { means: Means::Card, .. }) { "" } else { "test-clerk" };
        Said { standing, day, at: AT, staff: staff.to_owned(), record: HolderId::new(Shard(3), [8; 16]) }
    }

    /// Every page about agreements in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let holder = HolderId::new(Shard(3), [8; 16]);
        let mut pages = Vec::new();
        let paper = Standing::Agreed { version: 3, means: Means::Paper(form().number) };
        let card = Standing::Agreed { version: 1, means: Means::Card };
        let states = [None, Some(said(paper)), Some(said(card)), Some(said(Standing::Withdrawn))];
        for (at, state) in states.iter().enumerate() {
            for kept in [false, true] {
                let page = AgreementPage::new(frame.clone(), holder, state.as_ref(), kept);
                pages.push((format!("agreement-{at}-{kept}"), page.render().unwrap()));
            }
        }
        let facts = Facts::default()
            .with(Field::Name, "测试甲")
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, "T1234567");
        let empty = Typed::default();
        let day = Date::new(2026, 11, 23);
        let wrong = [
            Wrong::at("form", "agreement-form-used"),
            Wrong { day, ..Wrong::at("day", "agreement-day-printed") },
            Wrong::at("signer", "agreement-signer-child"),
            Wrong::at("name", "agreement-name-missing"),
        ];
        let newest = Meanwhile { leaf: 7, at: AT, staff: "test-clerk".to_owned() };
        for (state, wrong) in [("asks", &[][..]), ("wrong", &wrong[..])] {
            for station in [None, Some("测试服务站".to_owned())] {
                let (frame, back, action) = (frame.clone(), "/x".to_owned(), "/y".to_owned());
                let at = At { frame, back, action, button: "residence-register" };
                let name = format!("agreement-form-{state}-{}", station.is_some());
                let witness = Witness { station, name: "test-clerk".to_owned() };
                let page = FormPage::new(at, (form(), &facts), &witness, 7, ("1", &empty, wrong));
                pages.push((name, page.render().unwrap()));
            }
            let signed = signed_page(frame.clone(), holder, "1", &empty, wrong).knowing("7".to_owned());
            let signed = if wrong.is_empty() { signed.told("agreement-meanwhile", &newest) } else { signed };
            pages.push((format!("agreement-signed-{state}"), signed.render().unwrap()));
            let withdrawn = withdraw_page(frame.clone(), holder, &empty, wrong);
            pages.push((format!("agreement-withdraw-{state}"), withdrawn.render().unwrap()));
        }
        pages
    }

    #[test]
    fn everything_that_an_agreement_can_be_has_words() {
        for locale in Locale::ALL {
            let signers = Signer::ALL.map(|signer| format!("agreement-signer-{}", signer.name()));
            let acts = [Act::Printed, Act::Signed, Act::Withdrawn];
            let acts = acts.map(|act| format!("timeline-agreement-{}", act.name()));
            let standings = ["missing", "agreed", "withdrawn"]
                .map(|name| ["standing", "next"].map(|what| format!("agreement-{what}-{name}")))
                .concat();
            let wrong = [
                "form-bad",
                "form-unknown",
                "form-of-another",
                "form-used",
                "day-bad",
                "day-future",
                "day-printed",
                "day-agreed",
                "day-withdrawn",
                "signer-missing",
                "signer-child",
                "name-missing",
                "name-not-needed",
            ];
            let wrong = wrong.map(|name| format!("agreement-{name}"));
            let keys = signers.into_iter().chain(acts).chain(standings).chain(wrong);
            for name in keys.chain([format!("timeline-read-{}", key(super::super::SIGNER))]) {
                assert!(locale.has(&name), "{} {name}", locale.tag());
            }
        }
    }
}
