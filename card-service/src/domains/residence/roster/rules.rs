//! When a record names an organisation, and until when its person is expected there. Pure.

use card_schema::clock::Micros;

use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::rules;
use crate::plain;

const DAY_SECONDS: i64 = 86_400;

/// A name in its one form: however wide its characters are and whatever stands between them. None where there is none.
pub fn normal(name: &str) -> Option<String> {
    Some(plain::normal(name)).filter(|name| !name.is_empty())
}

/// The first day on which nobody expects a person in the city, where that is known.
pub fn until(facts: &Facts) -> Option<Micros> {
    rules::day(facts.get(Field::StayUntil)).map(|last| last.start_utc().plus_seconds(DAY_SECONDS))
}

#[cfg(test)]
mod tests {
    use card_schema::date::Date;

    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_typed_and_nothing_is_no_name() {
        assert_eq!(normal(" 测试电子（南）厂 "), normal("测试电子(南)厂"));
        assert_ne!(normal("测试电子厂"), normal("测试电器厂"));
        assert_eq!((normal(""), normal(" 。")), (None, None));
    }

    #[test]
    fn the_last_day_of_a_stay_is_a_day() {
        let stays = Facts::default().with(Field::StayUntil, "2026-11-30");
        assert_eq!(until(&stays), Some(Date::new(2026, 12, 1).unwrap().start_utc()));
        assert_eq!(until(&Facts::default()), None);
    }
}
