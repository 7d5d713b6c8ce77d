//! Where a holder has travelled, what it cost and why, in words. No I/O.

use askama::Template;
use card_schema::{
    clock::Micros,
    money::Fen,
    wire::journeys::{FareLine, FoldedMonth, JourneyCorrection, Journeys, LegEnd, RiddenLeg},
};

use super::{statement::word, view::minute};
use crate::cli::messages::Language;

/// Legs, newest first, and the months before.
#[derive(Template)]
#[template(path = "page/rides.html")]
pub(super) struct Rides<'a> {
    pub(super) language: Language,
    pub(super) journeys: &'a Journeys,
}

/// The reason that a card was not shown where it should have been.
const MAXIMUM: &str = "maximum";

/// Parts of a fare by their names on the wire.
const REASONS: [(&str, &str, &str); 12] = [
    ("fare", "票价", "Fare"),
    ("unknown", "票价未知，不收费", "The fare is unknown: nothing is charged"),
    ("joined", "与前一段合并计费，减去前一段", "One fare with the ride before, whose own is taken off"),
    ("transfer", "换乘", "Transfer"),
    ("window", "限时换乘优惠", "Transfer in time"),
    ("concession", "优待", "Concession"),
    ("discount", "累计优惠", "Discount for what you have paid before"),
    ("cap", "已到封顶", "Cap reached"),
    ("paid", "退回不超过已付", "No more goes back than was paid"),
    ("pass", "使用票证", "Covered by your pass"),
    (MAXIMUM, "有一端未刷卡，按最高票价", "The card was not shown at one end: the maximum"),
    ("same-stop", "同站进出，不收费", "You left where you came in: nothing is charged"),
];

/// Why staff correct, by the reasons' names on the wire.
const BECAUSE: [(&str, &str, &str); 4] = [
    ("not_read", "验票机没有读到卡", "The validator did not read the card"),
    ("out_of_order", "没有可用的验票机", "There was no validator at work"),
    ("wrong_place", "验票机的站点、线路或时间有误", "The validator had a wrong place or time"),
    ("by_mistake", "误刷，没有乘车", "Shown by mistake, without travelling"),
];

/// An amount with the sign that people write.
fn yuan(amount: Fen) -> String {
    if amount.0 < 0 { format!("−{}", Fen(-amount.0)) } else { amount.to_string() }
}

impl Rides<'_> {
    /// From when to when; the day is said once.
    fn time(leg: &RiddenLeg) -> String {
        let ends: Vec<Micros> = [&leg.began, &leg.ended].into_iter().flatten().map(|end| end.at).collect();
        let [first, last] = [ends.first(), ends.last()].map(|at| at.copied().map(minute).unwrap_or_default());
        match last.split_once(' ') {
            _ if ends.len() < 2 => first,
            Some((day, time)) if first.starts_with(day) => format!("{first}–{time}"),
            _ => format!("{first} – {last}"),
        }
    }

    /// From where to where; the route is said once.
    fn places(&self, leg: &RiddenLeg) -> String {
        let place = |end: &LegEnd| format!("{} · {}", end.route, end.stop);
        let not_shown = self.language.choose("（未刷卡）", "(not shown)");
        let is_missing = leg.lines.iter().any(|line| line.reason == MAXIMUM);
        match (&leg.began, &leg.ended) {
            (Some(began), Some(ended)) if began.route == ended.route => format!("{} → {}", place(began), ended.stop),
            (Some(began), Some(ended)) => format!("{} → {}", place(began), place(ended)),
            (Some(began), None) if is_missing => format!("{} → {not_shown}", place(began)),
            (Some(began), None) => place(began),
            (None, Some(ended)) => format!("{} · {not_shown} → {}", ended.route, ended.stop),
            (None, None) => String::new(),
        }
    }

    fn why(&self, leg: &RiddenLeg) -> Vec<String> {
        if leg.is_open {
            let open =
                self.language.choose("还没有下车刷卡：到时计费", "Not ended: charged when you show the card there");
            return vec![open.to_owned()];
        }
        leg.lines.iter().map(|line| self.line(line)).collect()
    }

    fn line(&self, line: &FareLine) -> String {
        let mut said = vec![word(self.language, &REASONS, &line.reason).to_owned()];
        said.extend(Some(line.what.clone()).filter(|what| !what.is_empty()));
        said.extend(line.percent.map(|percent| match self.language {
            Language::Zh => format!("付 {percent}%"),
            Language::En => format!("({percent}% is paid)"),
        }));
        // What costs nothing by itself says so in words.
        said.extend((line.amount_fen != Fen::ZERO).then(|| yuan(line.amount_fen)));
        said.join(" ")
    }

    fn charged(leg: &RiddenLeg) -> String {
        if leg.is_open { "–".to_owned() } else { yuan(leg.charged_fen) }
    }

    /// What is not in the list.
    fn older(&self) -> Option<String> {
        let Journeys { older, older_fen, .. } = self.journeys;
        let sum = yuan(*older_fen);
        (*older > 0).then(|| match self.language {
            Language::Zh => format!("另有更早的 {older} 程，共 {sum} 元。"),
            Language::En => format!("And {older} before these: {sum} yuan in all."),
        })
    }

    fn made(correction: &JourneyCorrection) -> String {
        minute(correction.at)
    }

    /// Which showing was added or struck.
    fn showing(&self, correction: &JourneyCorrection) -> String {
        let JourneyCorrection { was_added, shown, is_on, .. } = correction;
        let (zh, en) = if *was_added { ("补登", "Added") } else { ("撤销", "Struck") };
        let side = if *is_on { ("上车", "getting on") } else { ("下车", "leaving") };
        let place = format!("{} {} · {}", minute(shown.at), shown.route, shown.stop);
        match self.language {
            Language::Zh => format!("{zh}：{place}（{}）", side.0),
            Language::En => format!("{en}: {place} ({})", side.1),
        }
    }

    fn because<'b>(&self, correction: &'b JourneyCorrection) -> &'b str {
        word(self.language, &BECAUSE, &correction.reason)
    }

    fn returned(correction: &JourneyCorrection) -> String {
        yuan(correction.returned_fen)
    }

    fn operator(month: &FoldedMonth) -> String {
        let FoldedMonth { organisation, network, .. } = month;
        let parts = [organisation.as_deref().unwrap_or("–"), network];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    fn paid(month: &FoldedMonth) -> String {
        yuan(month.paid_fen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 09:04 in Beijing, and minutes after it.
    fn end(route: &str, stop: &str, minutes: i64) -> LegEnd {
        let at = Micros(1_795_395_845_000_000).plus_seconds(minutes * 60);
        LegEnd { at, route: route.to_owned(), stop: stop.to_owned() }
    }

    fn line(reason: &str, what: &str, percent: Option<u8>, fen: i64) -> FareLine {
        FareLine { reason: reason.to_owned(), what: what.to_owned(), percent, amount_fen: Fen(fen) }
    }

    fn leg(began: Option<LegEnd>, ended: Option<LegEnd>, lines: Vec<FareLine>) -> RiddenLeg {
        let charged_fen = Fen(lines.iter().map(|line| line.amount_fen.0).sum());
        RiddenLeg { began, ended, is_open: false, charged_fen, lines }
    }

    #[test]
    fn a_ride_says_where_from_and_to_and_why_it_cost_that() {
        let journeys = Journeys { older: 3, older_fen: Fen(600), ..Journeys::default() };
        let [zh, en] = [Language::Zh, Language::En].map(|language| Rides { language, journeys: &journeys });
        let (missing, cap) = (line("maximum", "", None, 900), line("cap", "day", None, -300));
        let open = RiddenLeg { is_open: true, ..leg(Some(end("M1", "A1", 0)), None, Vec::new()) };
        for (leg, time, places, why, charged) in [
            (
                leg(
                    Some(end("M1", "A1", 0)),
                    Some(end("M1", "C1", 31)),
                    vec![line("fare", "metro 1→4", None, 600), line("discount", "month", Some(80), -120)],
                ),
                "2026-11-23 09:04–09:35",
                "M1 · A1 → C1",
                "Fare metro 1→4 6.00; Discount for what you have paid before month (80% is paid) −1.20",
                "4.80",
            ),
            (
                leg(Some(end("M1", "A1", 0)), Some(end("M2", "C1", 20 * 60)), vec![line("same-stop", "", None, 0)]),
                "2026-11-23 09:04 – 2026-11-24 05:04",
                "M1 · A1 → M2 · C1",
                "You left where you came in: nothing is charged",
                "0.00",
            ),
            (
                leg(Some(end("M1", "A1", 0)), None, vec![missing.clone(), cap]),
                "2026-11-23 09:04",
                "M1 · A1 → (not shown)",
                "The card was not shown at one end: the maximum 9.00; Cap reached day −3.00",
                "6.00",
            ),
            (
                leg(None, Some(end("M1", "C1", 0)), vec![missing]),
                "2026-11-23 09:04",
                "M1 · (not shown) → C1",
                "The card was not shown at one end: the maximum 9.00",
                "9.00",
            ),
            (open, "2026-11-23 09:04", "M1 · A1", "Not ended: charged when you show the card there", "–"),
            (
                leg(Some(end("B1", "A1", 0)), None, vec![line("a newer reason", "x", None, -5)]),
                "2026-11-23 09:04",
                "B1 · A1",
                "a newer reason x −0.05",
                "−0.05",
            ),
        ] {
            assert_eq!((&*Rides::time(&leg), &*en.places(&leg)), (time, places));
            assert_eq!((&*en.why(&leg).join("; "), &*Rides::charged(&leg)), (why, charged));
            assert_eq!(zh.why(&leg).len(), en.why(&leg).len());
        }
        let correction = JourneyCorrection {
            at: Micros(1_795_395_845_000_000),
            was_added: true,
            shown: end("M1", "C1", -30),
            is_on: false,
            reason: "not_read".to_owned(),
            returned_fen: Fen(600),
        };
        assert_eq!(en.showing(&correction), "Added: 2026-11-23 08:34 M1 · C1 (leaving)");
        assert_eq!(
            (en.because(&correction), &*Rides::returned(&correction)),
            ("The validator did not read the card", "6.00")
        );
        assert_eq!(en.older().unwrap(), "And 3 before these: 6.00 yuan in all.");
        assert_eq!(zh.line(&line("discount", "月", Some(80), -120)), "累计优惠 月 付 80% −1.20");
    }
}
