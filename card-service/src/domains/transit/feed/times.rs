//! When: calendars and timeframes of a feed. Pure.

use std::collections::HashMap;

use card_schema::date::Date;

use super::archive::Files;
use super::places::Numbers;
use super::report::Report;
use super::table::{Format, PLAIN, Row, Table};
use crate::domains::transit::tariff::{Days, Timeframe, TimeframeIx, Weekly};

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const CALENDAR: Format = Format {
    file: "calendar.txt",
    required: &[
        "service_id",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "start_date",
        "end_date",
    ],
    key: &["service_id"],
    ..PLAIN
};
const CALENDAR_DATES: Format = Format {
    file: "calendar_dates.txt",
    required: &["service_id", "date", "exception_type"],
    key: &["service_id", "date"],
    ..PLAIN
};
const TIMEFRAMES: Format = Format {
    file: "timeframes.txt",
    required: &["timeframe_group_id", "service_id"],
    optional: &["start_time", "end_time"],
    key: &["timeframe_group_id", "start_time", "end_time", "service_id"],
    most: 10_000,
    ..PLAIN
};
/// Seconds of a day, which a timeframe may end with.
const MIDNIGHT: i32 = 86_400;

/// Days and parts of days.
#[derive(Default)]
pub(super) struct Times {
    pub(super) services: Vec<Days>,
    pub(super) timeframes: Vec<Vec<Timeframe>>,
    pub(super) timeframe_numbers: HashMap<String, TimeframeIx>,
}

pub(super) fn read(files: &Files, report: &mut Report) -> Times {
    let mut services = Numbers::<u16>::new();
    let mut days: Vec<Days> = Vec::new();
    for row in Table::read(files, &CALENDAR, report).rows() {
        let Some(id) = row.required("service_id", report) else { continue };
        let Some(number) = services.number(id, row.at("service_id"), report) else { continue };
        days.resize_with(services.of.len(), Days::default);
        let (Some(first), Some(last)) = (day(row, "start_date", report), day(row, "end_date", report)) else {
            continue;
        };
        if last < first {
            report.error(row.at("end_date"), "not-after", row.text("start_date"));
            continue;
        }
        let weekdays = WEEKDAYS.map(|weekday| row.one_of(weekday, &[("0", false), ("1", true)], report) == Some(true));
        days[usize::from(number)].weekly = Some(Weekly { weekdays, first, last });
    }
    for row in Table::read(files, &CALENDAR_DATES, report).rows() {
        let Some(id) = row.required("service_id", report) else { continue };
        let Some(number) = services.number(id, row.at("service_id"), report) else { continue };
        days.resize_with(services.of.len(), Days::default);
        let Some(date) = day(row, "date", report) else { continue };
        if let Some(runs) = row.one_of("exception_type", &[("1", true), ("2", false)], report) {
            days[usize::from(number)].exceptions.insert(date, runs);
        }
    }
    let mut times = Times { services: days, ..Times::default() };
    timeframes(files, &services.of, &mut times, report);
    times
}

fn day(row: Row<'_>, column: &'static str, report: &mut Report) -> Option<i32> {
    let text = row.required(column, report)?;
    let date = <[u8; 8]>::try_from(text.as_bytes()).ok().and_then(Date::from_digits);
    if date.is_none() {
        report.error(row.at(column), "not-a-day", text);
    }
    date.and_then(|date| i32::try_from(date.days()).ok())
}

/// Seconds since midnight of a local time, `24:00:00` included.
pub(super) fn second_of_day(text: &str) -> Option<i32> {
    let parts: Vec<&str> = text.split(':').collect();
    let &[hours, minutes, seconds] = &parts[..] else { return None };
    let number = |text: &str, most: i32| -> Option<i32> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number <= most)
    };
    let of = number(hours, 24)? * 3_600 + number(minutes, 59)? * 60 + number(seconds, 59)?;
    (minutes.len() == 2 && seconds.len() == 2 && of <= MIDNIGHT).then_some(of)
}

fn timeframes(files: &Files, services: &HashMap<String, u16>, times: &mut Times, report: &mut Report) {
    let mut groups = Numbers::<TimeframeIx>::new();
    for row in Table::read(files, &TIMEFRAMES, report).rows() {
        let Some(id) = row.required("timeframe_group_id", report) else { continue };
        let Some(number) = groups.number(id, row.at("timeframe_group_id"), report) else { continue };
        times.timeframes.resize_with(groups.of.len(), Vec::new);
        let Some(service) = row.must_name("service_id", services, report) else { continue };
        let mut second = |column: &'static str, otherwise: i32| {
            let Some(text) = row.optional(column) else { return Some(otherwise) };
            let second = second_of_day(text);
            if second.is_none() {
                report.error(row.at(column), "not-a-time", text);
            }
            second
        };
        let (Some(start), Some(end)) = (second("start_time", 0), second("end_time", MIDNIGHT)) else { continue };
        if row.optional("start_time").is_some() != row.optional("end_time").is_some() {
            report.error(row.at("end_time"), "both-or-none", "start_time");
        }
        if end <= start {
            report.error(row.at("end_time"), "not-after", row.text("start_time"));
            continue;
        }
        let of_group = &mut times.timeframes[usize::from(number)];
        if of_group.iter().any(|other| other.service == service && other.start < end && start < other.end) {
            report.error(row.at("start_time"), "overlap", id);
        }
        of_group.push(Timeframe { service, start, end });
    }
    times.timeframe_numbers = groups.of;
}
