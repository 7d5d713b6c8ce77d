//! What the pages of papers show: page structs, filled with texts in the reader's language. Pure.

use askama::Template;
use card_schema::date::Date;
use card_schema::envelope::paper::PaperKind;
use card_schema::ids::HolderId;
use card_schema::qr::Picture;

use super::Sheet;
use super::model::{Issued, REASONS, Standing};
use super::store::PastAct;
use crate::console::frame::Frame;
use crate::console::history;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{FormPage, Link};
use crate::console::view::{Choice, Tag, grouped, minute};
use crate::domains::residence::calendar::day_of;
use crate::domains::residence::model::Field;
use crate::domains::residence::permit::model::NotNow;
use crate::domains::residence::rules;
use crate::domains::residence::view::{key, label, shown};
use crate::i18n::Locale;
use crate::people::StaffRole;

/// The side of a square of the printed code, in millimetres.
const SQUARE_MM: f64 = 0.5;

/// What a kind of paper is called.
pub(super) fn kind_text(locale: Locale, kind: PaperKind) -> String {
    locale.text(&format!("paper-kind-{}", kind.name()))
}

/// Something that was done with a paper.
pub fn line(locale: Locale, past: PastAct) -> history::Line {
    let what = locale.text(&format!("timeline-paper-{}", past.act.name()));
    let why = past.reason.map_or_else(String::new, |reason| reason_text(locale, &reason));
    history::Line::at(past.at, what, why, past.staff).of(&kind_text(locale, past.kind))
}

fn tag(locale: Locale, standing: Standing) -> Tag {
    let tone = match standing {
        Standing::Valid => Tone::Ok,
        Standing::Expired | Standing::Outdated => Tone::Idle,
        Standing::Withdrawn => Tone::No,
    };
    Tag { text: locale.text(&format!("paper-standing-{}", standing.name())), tone }
}

fn of_holder(holder: HolderId) -> String {
    format!("/holders/{holder}/papers")
}

/// The way back to a page of the holder.
fn way(frame: &Frame, to: String, text: &str) -> Link {
    Link { to, text: frame.t(text) }
}

/// A paper in the list.
#[derive(Clone, Debug)]
struct Line {
    number: String,
    short: String,
    kind: String,
    standing: Tag,
    until: String,
}

/// The papers of a holder.
#[derive(Debug, Template)]
#[template(path = "residence/papers.html")]
pub(super) struct PapersPage {
    frame: Frame,
    holder: String,
    lines: Vec<Line>,
}

impl PapersPage {
    pub(super) fn new(frame: Frame, holder: HolderId, papers: &[(Issued, Standing)]) -> Self {
        let locale = frame.locale();
        let line = |(paper, standing): &(Issued, Standing)| Line {
            number: paper.number.to_string(),
            short: grouped(paper.number),
            kind: kind_text(locale, paper.kind),
            standing: tag(locale, *standing),
            until: paper.valid_until.to_string(),
        };
        Self { holder: holder.to_string(), lines: papers.iter().map(line).collect(), frame }
    }
}

/// What is wrong with the choice of a paper to issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Nothing was chosen.
    Missing,
    /// It cannot be issued now.
    NotNow(NotNow),
}

/// Which paper is to be issued.
pub(super) fn new_paper(frame: Frame, holder: HolderId, chosen: Option<PaperKind>, wrong: Option<&Wrong>) -> FormPage {
    let locale = frame.locale();
    let choice = |kind: PaperKind| Choice {
        hint: locale.text(&format!("paper-hint-{}", kind.name())),
        ..Choice::new(kind.name(), kind_text(locale, kind))
    };
    let wrong = wrong.map(|wrong| match wrong {
        Wrong::Missing => locale.text("paper-new-missing"),
        Wrong::NotNow(NotNow { key, from }) => {
            let day = from.map_or_else(String::new, |day| day.to_string());
            locale.text_with(key, &[("day", &day)])
        }
    });
    let (choices, ask) = (PaperKind::ALL.map(choice).into(), locale.text("paper-new-ask"));
    FormPage {
        back: Some(way(&frame, of_holder(holder), "paper-title")),
        action: format!("{}/new", of_holder(holder)),
        title: locale.text("paper-new"),
        lead: locale.text("paper-new-lead"),
        inputs: vec![Input::choice("kind", ask, choices, chosen.map_or("", PaperKind::name)).wrong(wrong)],
        button: locale.text("paper-new-button"),
        frame,
    }
}

/// What was asked for on the page of a paper without saying why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// To print it.
    Purpose,
    /// To withdraw it.
    Reason,
}

/// A paper of a holder.
#[derive(Debug, Template)]
#[template(path = "residence/paper.html")]
pub(super) struct PaperPage {
    frame: Frame,
    holder: String,
    number: String,
    kind: String,
    standing: Tag,
    /// What to do about a paper that is not valid.
    next: Option<String>,
    facts: Vec<(String, String)>,
    /// Why it may be printed; nothing where it may not.
    purposes: Vec<Choice>,
    /// Why it may be withdrawn; nothing where it is.
    reasons: Vec<Choice>,
    missing: Option<Missing>,
}

impl PaperPage {
    pub(super) fn new(
        frame: Frame,
        (paper, standing): (&Issued, Standing),
        role: StaffRole,
        by: &str,
        missing: Option<Missing>,
    ) -> Self {
        let locale = frame.locale();
        let fact = |name: &str, value: String| (locale.text(&format!("paper-{name}")), value);
        let mut facts = vec![
            fact("number", grouped(paper.number)),
            fact("issued", format!("{} · {by}", minute(paper.at))),
            fact("valid-until", paper.valid_until.to_string()),
        ];
        if let Some((at, reason)) = &paper.withdrawn {
            facts.push(fact("withdrawn", format!("{} · {}", minute(*at), reason_text(locale, reason))));
        }
        let is_valid = standing == Standing::Valid;
        let reasons = REASONS.iter().map(|reason| Choice::new(*reason, reason_text(locale, reason)));
        Self {
            holder: paper.holder.to_string(),
            number: paper.number.to_string(),
            kind: kind_text(locale, paper.kind),
            standing: tag(locale, standing),
            next: (!is_valid).then(|| locale.text(&format!("paper-next-{}", standing.name()))),
            facts,
            purposes: if is_valid { Choice::of_person(locale, role.purposes()) } else { Vec::new() },
            reasons: if standing == Standing::Withdrawn { Vec::new() } else { reasons.collect() },
            missing,
            frame,
        }
    }
}

fn reason_text(locale: Locale, reason: &str) -> String {
    locale.text(&format!("paper-reason-{}", key(reason)))
}

/// A day as it is written on a paper.
fn written(locale: Locale, day: Date) -> String {
    let [year, month, number] = [day.year(), u16::from(day.month()), u16::from(day.day())].map(|part| part.to_string());
    let values = [("year", &*year), ("month", &*month), ("day", &*number), ("iso", &*day.to_string())];
    locale.text_with("paper-day", &values)
}

/// A paper, to be printed.
#[derive(Debug, Template)]
#[template(path = "residence/sheet.html")]
pub(super) struct SheetPage {
    frame: Frame,
    back: String,
    title: String,
    /// What it proves.
    intro: String,
    /// What is known of it and of whom it was issued to: labels and values.
    facts: Vec<(String, String)>,
    /// The days on which the permit was endorsed.
    endorsed: Vec<String>,
    picture: Picture,
    /// The side of the picture.
    millimetres: f64,
    code: String,
    station: String,
    issued: String,
    /// What its holder and whoever is shown it should know.
    notes: Vec<String>,
}

impl SheetPage {
    /// `checked_at` is the page where papers are checked.
    pub(super) fn new(frame: Frame, sheet: &Sheet, checked_at: &str) -> Self {
        let locale = frame.locale();
        let Sheet { paper, facts: known, permit, .. } = sheet;
        let kind = paper.kind.name();
        let named = |name: &str, value: String| (locale.text(&format!("paper-{name}")), value);
        let of = |field: Field| (label(locale, field), shown(locale, field, known.get(field)));
        let day = |text: &str| rules::day(text).map_or_else(String::new, |day| written(locale, day));
        let mut facts = vec![named("number", grouped(paper.number))];
        if let Some((permit, _)) = permit {
            facts.push(named("permit-number", permit.permit_id.to_string()));
        }
        facts.extend([of(Field::Name), of(Field::DocumentKind), of(Field::DocumentNumber), of(Field::Address)]);
        if !known.get(Field::Room).is_empty() {
            facts.push(of(Field::Room));
        }
        if paper.kind == PaperKind::Certificate {
            facts.push((label(locale, Field::AddressSince), day(known.get(Field::AddressSince))));
        }
        if let Some(since) = permit.as_ref().and_then(|(permit, _)| permit.counts_from) {
            facts.push(named("counts-from", written(locale, since)));
        }
        facts.push(named("valid-until", written(locale, paper.valid_until)));
        let endorsed = permit.iter().flat_map(|(_, endorsed)| endorsed).map(|at| written(locale, day_of(*at)));
        let picture = Picture::of(&sheet.text);
        let note = |name: &str| locale.text_with(&format!("paper-note-{name}"), &[("page", checked_at)]);
        Self {
            back: format!("{}/{}", of_holder(paper.holder), paper.number),
            title: kind_text(locale, paper.kind),
            intro: locale.text(&format!("paper-intro-{kind}")),
            facts,
            endorsed: endorsed.collect(),
            millimetres: f64::from(u32::try_from(picture.side).expect("a code has at most 185 squares")) * SQUARE_MM,
            picture,
            code: sheet.code.to_string(),
            station: sheet.station.clone().unwrap_or_else(|| locale.text("paper-station")),
            issued: written(locale, day_of(paper.at)),
            notes: vec![note(kind), note("changes"), note("check")],
            frame,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::{PaperNumber, Shard};
    use uuid::Uuid;

    use super::super::model::rests_on;
    use super::*;
    use crate::domains::residence::model::Facts;
    use crate::domains::residence::permit::model::Act;
    use crate::domains::residence::permit::rules::Clock;
    use crate::people::StaffId;

    const AT: Micros = Micros(1_795_424_645_000_000);

    fn issued(kind: PaperKind, withdrawn: bool) -> Issued {
        Issued {
            number: PaperNumber::new(Shard(3), [0x1f; 10]),
            kind,
            holder: HolderId::new(Shard(3), [8; 16]),
            at: AT,
            leaf: 7,
            by: StaffId(Uuid::nil()),
            valid_until: Date::new(2027, 5, 23).unwrap(),
            permit: None,
            withdrawn: withdrawn.then(|| (AT, "lost".to_owned())),
        }
    }

    fn sheet(kind: PaperKind) -> Sheet {
        let clock = Clock::on(Date::new(2026, 11, 23).unwrap());
        let applied = clock.apply(Uuid::from_u128(7), Date::new(2020, 1, 1)).unwrap();
        let granted = clock.done(&applied, Act::Grant).unwrap();
        let permit = clock.done(&granted, Act::Issue).unwrap();
        let known = rests_on(kind).iter().fold(Facts::default(), |facts, field| facts.with(*field, "测试"));
        Sheet {
            paper: issued(kind, false),
            facts: known.with(Field::DocumentKind, "passport").with(Field::AddressSince, "2026-03-01"),
            permit: (kind == PaperKind::Permit).then(|| (permit, vec![AT])),
            station: (kind == PaperKind::Permit).then(|| "测试服务站".to_owned()),
            code: "1234 5678 9012 3456".parse().unwrap(),
            text: format!("https://card.example/papers/check#{}", "A".repeat(166)),
        }
    }

    /// Every page of papers in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let holder = HolderId::new(Shard(3), [8; 16]);
        let all: Vec<_> = Standing::ALL.map(|standing| (issued(PaperKind::Certificate, false), standing)).into();
        let mut pages = vec![
            ("papers".to_owned(), PapersPage::new(frame.clone(), holder, &all).render().unwrap()),
            ("papers-none".to_owned(), PapersPage::new(frame.clone(), holder, &[]).render().unwrap()),
        ];
        let too_early = NotNow { key: "paper-too-early", from: Date::new(2027, 4, 23) };
        for (name, wrong) in
            [("asks", None), ("missing", Some(Wrong::Missing)), ("early", Some(Wrong::NotNow(too_early)))]
        {
            let page = new_paper(frame.clone(), holder, None, wrong.as_ref());
            pages.push((format!("paper-new-{name}"), page.render().unwrap()));
        }
        for (standing, missing) in [
            (Standing::Valid, None),
            (Standing::Valid, Some(Missing::Purpose)),
            (Standing::Outdated, Some(Missing::Reason)),
            (Standing::Expired, None),
            (Standing::Withdrawn, None),
        ] {
            let paper = issued(PaperKind::Certificate, standing == Standing::Withdrawn);
            let page = PaperPage::new(frame.clone(), (&paper, standing), StaffRole::Clerk, "test-clerk", missing);
            pages.push((format!("paper-{}-{}", standing.name(), missing.is_some()), page.render().unwrap()));
        }
        for kind in PaperKind::ALL {
            let page = SheetPage::new(frame.clone(), &sheet(kind), "/papers/check");
            pages.push((format!("sheet-{}", kind.name()), page.render().unwrap()));
        }
        pages.extend(super::super::check::pages::tests::pages(frame));
        pages
    }

    #[test]
    fn everything_that_a_paper_can_be_has_words() {
        for locale in Locale::ALL {
            let kinds = PaperKind::ALL
                .iter()
                .flat_map(|kind| ["kind", "hint", "intro", "note"].map(|what| format!("paper-{what}-{}", kind.name())));
            let standings = Standing::ALL.iter().map(|standing| format!("paper-standing-{}", standing.name()));
            let next = Standing::ALL[1..].iter().map(|standing| format!("paper-next-{}", standing.name()));
            let reasons = REASONS.iter().map(|reason| format!("paper-reason-{}", key(reason)));
            let wrong = ["no-regulation", "no-address", "stay-over", "is-there", "too-early", "permit-not-in-force"];
            let wrong = wrong.iter().map(|key| format!("paper-{key}"));
            for key in kinds.chain(standings).chain(next).chain(reasons).chain(wrong) {
                assert!(locale.has(&key), "{} {key}", locale.tag());
            }
        }
    }

    #[test]
    fn the_square_code_is_printed_so_large_that_it_is_read_and_fits_between_the_margins() {
        let page = SheetPage::new(Frame::new(Locale::ZhCn, "/", None), &sheet(PaperKind::Certificate), "");
        const { assert!(SQUARE_MM >= 0.4) };
        assert!((25.0..60.0).contains(&page.millimetres), "{}", page.millimetres);
        // A long name of the city's own makes it larger, and it still fits.
        let long = format!("https://{}/papers/check#{}", "a".repeat(120), "A".repeat(166));
        let page = SheetPage::new(
            Frame::new(Locale::ZhCn, "/", None),
            &Sheet { text: long, ..sheet(PaperKind::Certificate) },
            "",
        );
        assert!(page.millimetres < 60.0, "{}", page.millimetres);
    }

    #[test]
    fn days_are_written_as_each_language_writes_them() {
        let day = Date::new(2027, 5, 3).unwrap();
        assert_eq!(Locale::ALL.map(|locale| written(locale, day)), ["2027年5月3日", "2027-05-03"]);
    }
}
