//! What the pages of programmes show, and how their forms are read. Pure.

use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::points::{EarnRule, ProgrammeId, Worth};
use uuid::Uuid;

use super::model::{Category, Programme, Programmes, Reach, Rule};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag};
use crate::i18n::Locale;
use crate::people::organisation;

/// The list of programmes.
pub(super) const LIST: &str = "/points";
/// The most points that a form takes.
const MOST: u32 = 1_000_000;
/// Months for which points may be good. Taps come in up to thirty days late, so that points are never over before they are
/// booked.
const VALIDITY: std::ops::RangeInclusive<u32> = 2..=120;

/// What is wrong with a field, for whoever reads a form.
type Bad = (&'static str, &'static str);

/// A member of a programme, with its name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) category: Category,
    pub(super) until: Option<Date>,
}

fn whole(form: &Typed, field: &'static str) -> Result<Option<u32>, Bad> {
    match typed(form, field).trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(number) if (1..=MOST).contains(&number) => Ok(Some(number)),
            _ => Err((field, "points-number-bad")),
        },
    }
}

fn amount(form: &Typed, field: &'static str) -> Result<Option<Fen>, Bad> {
    match typed(form, field).trim() {
        "" => Ok(None),
        text => match text.parse::<Fen>() {
            Ok(amount) if amount > Fen::ZERO && amount.0 <= 100_000_000 => Ok(Some(amount)),
            _ => Err((field, "points-amount-bad")),
        },
    }
}

fn day(form: &Typed, field: &'static str) -> Result<Date, Bad> {
    typed(form, field).trim().parse().map_err(|_| (field, "points-day-bad"))
}

fn category(form: &Typed, field: &'static str) -> Result<Option<Category>, Bad> {
    match typed(form, field).trim() {
        "" => Ok(None),
        code => Category::new(code).map(Some).ok_or((field, "points-category-bad")),
    }
}

/// A programme as it is to be, where the form can be taken. What may not be changed is taken from `before`.
pub(super) fn read_programme(form: &Typed, id: ProgrammeId, before: Option<&Programme>) -> Result<Programme, Bad> {
    let name = organisation::model::name(typed(form, "name")).ok_or(("name", "points-name-bad"))?;
    let (reach, validity_months) = if let Some(before) = before {
        (before.reach, before.validity_months)
    } else {
        let reach = Reach::from_name(typed(form, "reach")).ok_or(("reach", "points-reach-missing"))?;
        let months = typed(form, "validity").trim().parse().ok().filter(|months| VALIDITY.contains(months));
        (reach, months.ok_or(("validity", "points-validity-bad"))?)
    };
    let worth = match (whole(form, "worth_points")?, amount(form, "worth_yuan")?) {
        (None, None) => None,
        (Some(points), Some(fen)) => Some(Worth { points, fen }),
        (None, Some(_)) => return Err(("worth_points", "points-worth-half")),
        (Some(_), None) => return Err(("worth_yuan", "points-worth-half")),
    };
    let below_zero = match typed(form, "below_zero") {
        "yes" => true,
        "no" => false,
        _ => return Err(("below_zero", "points-below-zero-missing")),
    };
    let day_most = whole(form, "day_most")?;
    Ok(Programme { id, name: name.to_owned(), reach, worth, validity_months, day_most, below_zero })
}

/// A new rule, where the form can be taken: nothing is earned for days that are over.
pub(super) fn read_rule(form: &Typed, id: Uuid, programme: ProgrammeId, today: Date) -> Result<Rule, Bad> {
    let points = whole(form, "rule_points")?.ok_or(("rule_points", "points-number-bad"))?;
    let per = amount(form, "rule_per")?.ok_or(("rule_per", "points-amount-bad"))?;
    let (from, until) = (day(form, "rule_from")?, day(form, "rule_until")?);
    if from < today {
        return Err(("rule_from", "points-day-over"));
    }
    if until < from {
        return Err(("rule_until", "points-day-order"));
    }
    let category = category(form, "rule_category")?;
    Ok(Rule { id, programme, earn: EarnRule { points, per, from, until }, category })
}

/// Who joins, and what kind of shop it is.
pub(super) fn read_member(form: &Typed) -> Result<(String, Category), Bad> {
    let category = category(form, "join_category")?.ok_or(("join_category", "points-category-bad"))?;
    Ok((typed(form, "join_name").trim().to_owned(), category))
}

fn reach_text(locale: Locale, reach: Reach) -> String {
    locale.text(&format!("points-reach-{}", reach.name()))
}

fn yes_no(locale: Locale, yes: bool) -> String {
    locale.text(if yes { "points-below-zero-yes" } else { "points-below-zero-no" })
}

fn worth_text(locale: Locale, worth: Option<Worth>) -> String {
    match worth {
        Some(Worth { points, fen }) => {
            locale.text_with("points-worth-is", &[("points", &points.to_string()), ("yuan", &fen.to_string())])
        }
        None => locale.text("points-worth-none"),
    }
}

/// Whether purchases earn something on a day, somewhere.
fn state(locale: Locale, all: &Programmes, id: ProgrammeId, today: Date) -> Tag {
    let gives =
        all.rules.iter().any(|rule| rule.programme == id && rule.earn.from <= today && today <= rule.earn.until);
    let (key, tone) = if gives { ("points-gives", Tone::Ok) } else { ("points-gives-none", Tone::Idle) };
    Tag { text: locale.text(key), tone }
}

/// The headings of the list.
pub(super) fn columns(locale: Locale) -> Vec<String> {
    ["points-name", "points-reach", "points-members", "people-state"].map(|key| locale.text(key)).into()
}

/// The programmes in the list.
pub(super) fn lines(locale: Locale, all: &Programmes, today: Date) -> Vec<Line> {
    let members = |id| {
        let of = all.members.values().flatten();
        of.filter(|member| member.programme == id && member.takes_part(today)).count().to_string()
    };
    let line = |programme: &Programme| Line {
        to: format!("{LIST}/{}", programme.id.0),
        name: programme.name.clone(),
        cells: vec![reach_text(locale, programme.reach), members(programme.id)],
        state: state(locale, all, programme.id, today),
    };
    all.programmes.values().map(line).collect()
}

/// What the forms about a programme ask for; `is_new` also for what is not changed later.
pub(super) fn inputs(locale: Locale, form: &Typed, wrong: Wrong, is_new: bool) -> Vec<Input> {
    let text =
        |name, key: &str| Input::text(name, locale.text(key), typed(form, name)).wrong(message(locale, wrong, name));
    let number = |name, key: &str| Input { mode: "numeric", max: 12, ..text(name, key) };
    let mut inputs = vec![text("name", "points-name")];
    if is_new {
        let reaches = Reach::ALL.map(|reach| Choice::new(reach.name(), reach_text(locale, reach)));
        let reach = Input::choice("reach", locale.text("points-reach"), reaches.into(), typed(form, "reach"));
        inputs.push(reach.wrong(message(locale, wrong, "reach")));
        inputs.push(number("validity", "points-validity").hint(locale.text("points-validity-hint")));
    }
    let below = ["yes", "no"].map(|value| Choice::new(value, yes_no(locale, value == "yes")));
    let below = Input::choice("below_zero", locale.text("points-below-zero"), below.into(), typed(form, "below_zero"));
    inputs.extend([
        number("worth_points", "points-worth-points").hint(locale.text("points-worth-hint")),
        Input { mode: "decimal", ..number("worth_yuan", "points-worth-yuan") },
        number("day_most", "points-day-most").hint(locale.text("points-day-most-hint")),
        below.hint(locale.text("points-below-zero-hint")).wrong(message(locale, wrong, "below_zero")),
    ]);
    inputs
}

/// A programme as its form has it.
fn as_typed(programme: &Programme) -> Typed {
    let worth = programme.worth;
    let fields = [
        ("name", programme.name.clone()),
        ("worth_points", worth.map_or(String::new(), |worth| worth.points.to_string())),
        ("worth_yuan", worth.map_or(String::new(), |worth| worth.fen.to_string())),
        ("day_most", programme.day_most.map_or(String::new(), |most| most.to_string())),
        ("below_zero", if programme.below_zero { "yes" } else { "no" }.to_owned()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

/// A rule in a line.
fn rule_text(locale: Locale, rule: &Rule) -> String {
    let EarnRule { points, per, from, until } = rule.earn;
    let (points, yuan, from, until) = (points.to_string(), per.to_string(), from.to_string(), until.to_string());
    let text =
        locale.text_with("points-rule-is", &[("points", &points), ("yuan", &yuan), ("from", &from), ("until", &until)]);
    match &rule.category {
        Some(category) => {
            format!("{text} {}", locale.text_with("points-rule-category-is", &[("code", category.code())]))
        }
        None => text,
    }
}

fn member_text(locale: Locale, member: &Named) -> String {
    let Named { name, category, until } = member;
    let code = category.code();
    match until {
        Some(until) => {
            let until = until.to_string();
            locale.text_with("points-member-until", &[("name", name), ("code", code), ("until", &until)])
        }
        None => locale.text_with("points-member-is", &[("name", name), ("code", code)]),
    }
}

/// What can be done with a programme.
fn acts(locale: Locale, form: &Typed, wrong: Wrong, ending: Vec<Choice>, has_members: bool) -> Vec<Act> {
    let t = |key: &str| locale.text(key);
    let text = |name, key: &str| Input::text(name, t(key), typed(form, name)).wrong(message(locale, wrong, name));
    let short = |name, key: &str, mode| Input { mode, max: 12, ..text(name, key) };
    let act = |name, inputs, primary| Act {
        name,
        title: t(&format!("points-{}", name.replace('_', "-"))),
        hint: Some(t(&format!("points-{}-hint", name.replace('_', "-")))),
        inputs,
        button: t(&format!("points-{}-button", name.replace('_', "-"))),
        primary,
    };
    let mut acts = vec![
        act("save", inputs(locale, form, wrong, false), true),
        act(
            "add_rule",
            vec![
                short("rule_points", "points-rule-points", "numeric"),
                short("rule_per", "points-rule-per", "decimal"),
                short("rule_from", "points-rule-from", "text").hint(t("points-day-hint")),
                short("rule_until", "points-rule-until", "text").hint(t("points-day-hint")),
                short("rule_category", "points-rule-category", "numeric").hint(t("points-category-hint")),
            ],
            true,
        ),
    ];
    if !ending.is_empty() {
        let rule = Input::choice("rule", t("points-rule"), ending, typed(form, "rule"));
        acts.push(act("end_rule", vec![rule.wrong(message(locale, wrong, "rule"))], false));
    }
    let join = vec![
        text("join_name", "points-join-name"),
        short("join_category", "points-join-category", "numeric").hint(t("points-category-hint")),
    ];
    acts.push(act("join", join, true));
    if has_members {
        acts.push(act("leave", vec![text("leave_name", "points-join-name")], false));
    }
    acts
}

/// The page of a programme.
pub(super) fn thing(
    frame: Frame,
    (all, programme): (&Programmes, &Programme),
    members: &[Named],
    today: Date,
    again: Option<&Typed>,
    wrong: Wrong,
) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let mut form = as_typed(programme);
    form.extend(again.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    let rules: Vec<_> = all.rules.iter().filter(|rule| rule.programme == programme.id).collect();
    let open = rules.iter().filter(|rule| rule.earn.until > today);
    let ending = open.map(|rule| Choice::new(rule.id.to_string(), rule_text(locale, rule))).collect();
    let has_members = members.iter().any(|member| member.until.is_none());
    let acts = acts(locale, &form, wrong, ending, has_members);
    let mut facts = vec![
        (t("points-reach"), reach_text(locale, programme.reach)),
        (t("points-validity-is"), programme.validity_months.to_string()),
        (t("points-worth"), worth_text(locale, programme.worth)),
        (t("points-day-most"), programme.day_most.map_or_else(|| t("points-day-most-none"), |most| most.to_string())),
        (t("points-below-zero"), yes_no(locale, programme.below_zero)),
    ];
    facts.extend(rules.iter().map(|rule| (t("points-rule"), rule_text(locale, rule))));
    facts.extend(members.iter().map(|member| (t("points-member"), member_text(locale, member))));
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("points-title") },
        action: format!("{LIST}/{}", programme.id.0),
        title: programme.name.clone(),
        state: state(locale, all, programme.id, today),
        facts,
        links: Vec::new(),
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}
