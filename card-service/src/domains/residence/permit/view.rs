//! What the pages of permits show: page structs, filled with texts in the reader's language. Pure.

use askama::Template;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::{Act, NotNow, Permit, Proof, Standing};
use super::rules::Clock;
use super::store::PastAct;
use super::{Application, DECIDED_BY};
use crate::console::frame::Frame;
use crate::console::history::Line;
use crate::console::model::Tone;
use crate::console::register::{Due, DueList, DuePage};
use crate::console::view::{Choice, Tag};
use crate::domains::residence::view::{key, label, shown};
use crate::i18n::Locale;
use crate::people::StaffRole;
use crate::people::model::Permission;

/// How a permit stands, in words.
pub fn standing(locale: Locale, standing: Standing) -> Tag {
    let tone = match standing {
        Standing::InForce => Tone::Ok,
        Standing::Waiting | Standing::Overdue | Standing::Granted | Standing::Due => Tone::Wait,
        Standing::Suspended | Standing::Refused => Tone::No,
        Standing::Withdrawn | Standing::Cancelled => Tone::Idle,
    };
    Tag { text: locale.text(&format!("permit-standing-{}", standing.name())), tone }
}

/// What stands in the way, in words.
fn not_now(locale: Locale, not_now: &NotNow) -> String {
    let day = not_now.from.map_or_else(String::new, |day| day.to_string());
    locale.text_with(not_now.key, &[("day", &day)])
}

/// The form of one act.
#[derive(Clone, Debug)]
struct ActForm {
    act: &'static str,
    title: String,
    button: String,
    ask: String,
    /// The name of what is chosen among the choices.
    name: &'static str,
    choices: Vec<Choice>,
    /// Nothing was chosen.
    missing: bool,
    /// What is said then.
    missing_text: String,
}

/// What was wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// No proof and no reason was chosen for this.
    Missing(Act),
    /// Something stands in the way.
    NotNow(NotNow),
}

/// The permit of a holder.
#[derive(Debug, Template)]
#[template(path = "residence/permit.html")]
pub(super) struct PermitPage {
    frame: Frame,
    holder: String,
    number: Option<String>,
    standing: Option<Tag>,
    /// Labels and days.
    days: Vec<(String, String)>,
    /// What the permit rests on, for somebody who looks at the application: labels and values.
    application: Option<Vec<(String, String)>>,
    /// Whether somebody who may decide has to look at the application first.
    to_open: bool,
    forms: Vec<ActForm>,
    /// Whether it may be put on paper.
    is_in_force: bool,
    /// What was wrong, and the field it leads to.
    wrong: Option<(String, String)>,
    history: Vec<Line>,
}

/// What the page of a permit is made of.
pub(super) struct Scene<'a> {
    pub(super) holder: HolderId,
    pub(super) permit: Option<&'a Permit>,
    pub(super) clock: Clock<'a>,
    pub(super) role: StaffRole,
    pub(super) application: Option<&'a Application>,
    pub(super) history: &'a [PastAct],
    pub(super) wrong: Option<Wrong>,
}

impl PermitPage {
    pub(super) fn new(frame: Frame, scene: &Scene<'_>) -> Self {
        let locale = frame.locale();
        let &Scene { permit, clock, .. } = scene;
        let may_decide = scene.role.may(Permission::DecidePermits);
        let acts = clock.acts(permit);
        let to_decide = acts.contains(&Act::Grant);
        // Nobody decides about an application that is not open before them.
        let offered = |act: &Act| match act {
            Act::Grant | Act::Refuse => may_decide && scene.application.is_some(),
            act if act.is_decision() => may_decide,
            _ => true,
        };
        let missing = match &scene.wrong {
            Some(Wrong::Missing(act)) => Some(*act),
            _ => None,
        };
        let forms: Vec<_> =
            acts.into_iter().filter(offered).map(|act| form(locale, act, missing == Some(act))).collect();
        let wrong = scene.wrong.as_ref().map(|wrong| match wrong {
            Wrong::Missing(act) => {
                let first = forms.iter().find(|form| form.act == act.name()).and_then(|form| form.choices.first());
                let field = first.map_or_else(String::new, |first| format!("{}-{}", act.name(), first.value));
                (field, locale.text(&missing_key(*act)))
            }
            Wrong::NotNow(why) => ("permit-title".to_owned(), not_now(locale, why)),
        });
        let day = |name: &str, day: Option<Date>| Some((locale.text(&format!("permit-{name}")), day?.to_string()));
        let fact = |application: &Application| {
            let known =
                DECIDED_BY.map(|field| (label(locale, field), shown(locale, field, application.facts.get(field))));
            let proof =
                application.proof.map_or_else(|| locale.text("residence-not-given"), |proof| proof_text(locale, proof));
            known.into_iter().chain([(locale.text("permit-proof"), proof)]).collect()
        };
        Self {
            holder: scene.holder.to_string(),
            number: permit.map(|permit| permit.permit_id.to_string()),
            standing: permit.map(|permit| standing(locale, clock.standing(permit))),
            days: permit.map_or_else(Vec::new, |permit| {
                let decide_by = (permit.stage == super::model::Stage::Applied).then_some(permit.decide_by);
                [
                    day("applied", Some(permit.applied)),
                    day("decide-by", decide_by),
                    day("valid-until", permit.valid_until),
                    day("counts-from", permit.counts_from),
                ]
                .into_iter()
                .flatten()
                .collect()
            }),
            application: scene.application.map(fact),
            to_open: may_decide && to_decide && scene.application.is_none(),
            forms,
            is_in_force: permit
                .is_some_and(|permit| matches!(clock.standing(permit), Standing::InForce | Standing::Due)),
            wrong,
            history: scene.history.iter().map(|past| line(locale, past)).collect(),
            frame,
        }
    }
}

fn missing_key(act: Act) -> String {
    format!("permit-missing-{}", if act.needs_proof() { "proof" } else { "reason" })
}

fn proof_text(locale: Locale, proof: Proof) -> String {
    locale.text(&format!("permit-proof-{}", key(proof.name())))
}

fn reason_text(locale: Locale, reason: &str) -> String {
    locale.text(&format!("permit-reason-{}", key(reason)))
}

fn form(locale: Locale, act: Act, missing: bool) -> ActForm {
    let proof = |proof: Proof| Choice {
        hint: locale.text(&format!("permit-ground-{}", proof.ground().name())),
        ..Choice::new(proof.name(), proof_text(locale, proof))
    };
    let reason = |reason: &&'static str| Choice::new(*reason, reason_text(locale, reason));
    let (name, choices) = if act.needs_proof() {
        ("proof", Proof::ALL.map(proof).into())
    } else {
        ("reason", act.reasons().iter().map(reason).collect())
    };
    ActForm {
        act: act.name(),
        title: locale.text(&format!("permit-act-{}-title", act.name())),
        button: locale.text(&format!("permit-act-{}", act.name())),
        ask: locale.text(&format!("permit-ask-{name}")),
        name,
        choices,
        missing,
        missing_text: locale.text(&missing_key(act)),
    }
}

/// Something that was done with a permit.
pub fn line(locale: Locale, past: &PastAct) -> Line {
    let until = past.valid_until.map(|day| format!("{} {day}", locale.text("permit-valid-until")));
    let reason = past.reason.as_deref().map(|reason| reason_text(locale, reason));
    let why: Vec<_> = reason.into_iter().chain(until).collect();
    let what = locale.text(&format!("permit-done-{}", past.act.name()));
    Line::at(past.at, what, why.join(&locale.text("console-list-comma")), past.staff.clone())
}

/// The end of a permit's number: what numbers of one day do not share.
fn ending(permit: &Permit) -> String {
    let number = permit.permit_id.to_string();
    number[number.len() - 8..].to_owned()
}

/// One list of permits that somebody has to look after: at most so many; `found` has one more where there are more.
pub(super) fn due(
    locale: Locale,
    id: &'static str,
    clock: Clock<'_>,
    found: &[(HolderId, Permit)],
    shown: usize,
) -> DueList {
    let line = |(holder, permit): &(HolderId, Permit)| Due {
        to: format!("/holders/{holder}/permit"),
        number: ending(permit),
        state: standing(locale, clock.standing(permit)),
        day: permit.valid_until.unwrap_or(permit.decide_by).to_string(),
    };
    let title = locale.text(&format!("permit-list-{id}"));
    DueList::new(id, title, locale.text("permit-list-none"), shown, found.iter().map(line))
}

/// The permits that somebody has to look after.
pub(super) fn due_page(frame: Frame, lists: Vec<DueList>) -> DuePage {
    DuePage {
        title: frame.t("permit-desk-title"),
        lead: frame.t("permit-desk-lead"),
        number: frame.t("permit-number"),
        lists,
        frame,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::Shard;
    use uuid::Uuid;

    use super::super::model::Stage;
    use super::*;
    use crate::domains::residence::model::{Facts, Field};

    /// Every page of permits in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let (holder, today) = (HolderId::new(Shard(3), [8; 16]), Date::new(2026, 11, 23).unwrap());
        let clock = Clock::on(today);
        let applied = clock.apply(Uuid::from_u128(7), Date::new(2020, 1, 1)).unwrap();
        let issued = |until| Permit {
            stage: Stage::Issued,
            counts_from: Date::new(2024, 12, 1),
            valid_until: until,
            ..applied.clone()
        };
        let cancelled = Permit { stage: Stage::Cancelled, ..applied.clone() };
        let due = issued(Date::new(2026, 12, 1));
        let application = Application {
            facts: Facts::default().with(Field::Address, "测试路 1 号").with(Field::Home, "rented"),
            proof: Some(Proof::Lease),
        };
        let act = |act: Act| PastAct {
            act,
            at: Micros(1_795_424_645_000_000),
            staff: "test-clerk".to_owned(),
            reason: act.reasons().first().map(|reason| (*reason).to_owned()),
            valid_until: due.valid_until,
        };
        let history = Act::ALL.map(act);
        let early = NotNow { key: "permit-too-early", from: Some(today) };
        let permits = [
            ("none", None, None),
            ("missing", None, Some(Wrong::Missing(Act::Apply))),
            ("early", None, Some(Wrong::NotNow(early))),
            ("applied", Some(&applied), None),
            ("due", Some(&due), Some(Wrong::Missing(Act::Endorse))),
            ("cancelled", Some(&cancelled), None),
        ];
        let mut pages = Vec::new();
        for role in [StaffRole::Clerk, StaffRole::Supervisor] {
            for (name, permit, wrong) in permits.clone() {
                let application = (name == "applied" && role == StaffRole::Supervisor).then_some(&application);
                let scene = Scene { holder, permit, clock, role, application, history: &history, wrong };
                let page = PermitPage::new(frame.clone(), &scene).render().unwrap();
                pages.push((format!("permit-{name}-{}", role.name()), page));
            }
        }
        let found = [(holder, applied.clone()), (holder, issued(Date::new(2026, 1, 1))), (holder, due)];
        let lists = ["decisions", "handovers", "ending", "ended"];
        let lists = lists.map(|id| super::due(frame.locale(), id, clock, &found[..usize::from(id != "ended") * 3], 2));
        let page = due_page(frame.clone(), lists.into());
        pages.push(("permits".to_owned(), page.render().unwrap()));
        pages
    }

    #[test]
    fn everything_that_a_permit_can_be_has_words() {
        for locale in Locale::ALL {
            let keys = Standing::ALL.map(|one| format!("permit-standing-{}", one.name())).into_iter();
            let keys = keys.chain(Act::ALL.into_iter().flat_map(|act| {
                let reasons = act.reasons().iter().map(|reason| format!("permit-reason-{}", key(reason)));
                let name = act.name();
                reasons.chain([
                    format!("permit-act-{name}"),
                    format!("permit-act-{name}-title"),
                    format!("permit-done-{name}"),
                ])
            }));
            let keys = keys.chain(Proof::ALL.into_iter().flat_map(|proof| {
                [format!("permit-proof-{}", key(proof.name())), format!("permit-ground-{}", proof.ground().name())]
            }));
            for key in keys {
                assert!(locale.has(&key), "{key}");
            }
        }
    }
}
