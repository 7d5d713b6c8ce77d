//! What happened, in one shape for whatever has a history: cards, permits, records, and a person with all of these. Pure.

use card_schema::clock::Micros;
use card_schema::date::Date;

use super::view::minute;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// By which it is put in order.
    pub at: Micros,
    /// The minute, or the day, as people write it.
    pub when: String,
    /// What happened.
    pub what: String,
    /// Why, or what else is known of it; empty where nothing is.
    pub why: String,
    /// Who did it: the name to sign in with; empty where it came about by itself.
    pub who: String,
}

impl Line {
    /// At a moment: what, why, and who did it; the last two may be empty.
    pub fn at(at: Micros, what: String, why: String, who: String) -> Self {
        Self { at, when: minute(at), what, why, who }
    }

    /// On a day, as people have said.
    pub fn on(day: Date, what: String, why: String) -> Self {
        let at = day.start_in_china();
        Self { at, when: day.to_string(), what, why, who: String::new() }
    }

    /// As something that was done with one of several things.
    #[must_use]
    pub fn of(self, thing: &str) -> Self {
        Self { what: format!("{thing} · {}", self.what), ..self }
    }
}

/// The newest lines of several histories, and whether there are more.
pub fn newest(mut lines: Vec<Line>, shown: usize) -> (Vec<Line>, bool) {
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    let more = lines.len() > shown;
    lines.truncate(shown);
    (lines, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_before_whatever_happened_on_it_and_the_newest_stands_first() {
        let day = Date::new(2026, 11, 28).unwrap();
        let moved = Line::on(day, "moved".to_owned(), String::new());
        let at = |seconds| Line::at(moved.at.plus_seconds(seconds), "x".to_owned(), String::new(), String::new());
        let (before, after) = (at(-1), at(1));
        assert_eq!((before.when.as_str(), after.when.as_str()), ("2026-11-27 23:59", "2026-11-28 00:00"));
        let all = vec![before.clone(), after.clone(), moved.clone()];
        assert_eq!(newest(all.clone(), 3), (vec![after.clone(), moved, before], false));
        assert_eq!(newest(all, 1), (vec![after], true));
    }
}
