//! Rules, and tables of items, with one number changed by the least that can be written. Does not say what changes by it.

use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};
use card_schema::month::Month;

/// Rules or a table with a defect.
#[derive(Debug)]
pub struct Changed {
    /// Which line, from 1, and what it says now.
    pub what: String,
    /// The whole text.
    pub text: String,
}

/// The rules, each time with another number changed: every number once upwards and once downwards. Amounts change by a fen, rates by a
/// ten-thousandth of a percent, ages by a year, months and numbers of them by one.
///
/// # Errors
/// When there is a number of which nobody knows what it is.
pub fn changed(rules: &str) -> Result<Vec<Changed>> {
    let mut all = Vec::new();
    let mut start = 0;
    for (line, number) in rules.split_inclusive('\n').zip(1..) {
        for (range, others) in changes(line).with_context(|| format!("line {number}: {}", line.trim_end()))? {
            for other in others {
                let mut text = rules.to_owned();
                text.replace_range(start + range.start..start + range.end, &other);
                let said = text[start..].lines().next().unwrap_or_default();
                all.push(Changed { what: format!("line {number}: {said}"), text });
            }
        }
        start += line.len();
    }
    Ok(all)
}

/// The table (CSV), each time with another number of these columns changed: every number once upwards and once downwards.
///
/// # Errors
/// When there is a number of which nobody knows what it is, or no such column.
pub fn changed_columns(table: &str, columns: &[&str]) -> Result<Vec<Changed>> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let headings = reader.headers()?.clone();
    let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::new();
    for column in columns {
        let place = headings.iter().position(|name| name == *column).with_context(|| format!("no column {column}"))?;
        for (number, row) in rows.iter().enumerate().filter(|(_, row)| !row[place].is_empty()) {
            for other in neighbours(&format!("{column} = "), &row[place])? {
                let mut writer = csv::Writer::from_writer(Vec::new());
                writer.write_record(&headings)?;
                let what = format!("{} of {}: {other}", column, row.iter().next().unwrap_or_default());
                for (at, row) in rows.iter().enumerate() {
                    let is_changed = |cell: usize| at == number && cell == place;
                    writer.write_record(
                        row.iter().zip(0..).map(|(text, cell)| if is_changed(cell) { &other } else { text }),
                    )?;
                }
                all.push(Changed { what, text: String::from_utf8(writer.into_inner()?)? });
            }
        }
    }
    Ok(all)
}

/// What of all changes nobody notices. No change at all is no proof.
///
/// # Errors
/// When there is no change.
pub fn unnoticed(all: &[Changed], mut is_noticed: impl FnMut(&Changed) -> bool) -> Result<Vec<&str>> {
    ensure!(!all.is_empty(), "no number was changed");
    Ok(all.iter().filter(|change| !is_noticed(change)).map(|change| change.what.as_str()).collect())
}

/// Where a line has numbers, and what is written there instead.
fn changes(line: &str) -> Result<Vec<(Range<usize>, [String; 2])>> {
    // What is said in words is no rule.
    if line.starts_with('#') || line.starts_with("source = ") {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(start) = line[rest..].find(|letter: char| letter.is_ascii_digit()).map(|at| rest + at) {
        let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '_' | '.' | '-' | '%');
        let end = line[start..].find(|letter| !is_part(letter)).map_or(line.len(), |length| start + length);
        found.push((start..end, neighbours(&line[..start], &line[start..end])?));
        rest = end;
    }
    Ok(found)
}

/// The next numbers below and above one, by what stands before it.
fn neighbours(before: &str, number: &str) -> Result<[String; 2]> {
    if let Some(rate) = number.strip_suffix('%') {
        let (whole, part) = rate.split_once('.').unwrap_or((rate, ""));
        let millionths: i64 = format!("{whole}{part:0<4}").parse()?;
        return Ok([-1, 1].map(|more| millionths + more).map(|all| format!("{}.{:04}%", all / 10_000, all % 10_000)));
    }
    // The key behind which it stands, also as one of a list.
    let key = before.rsplit_once(" = ").and_then(|(rest, _)| rest.rsplit([' ', '{', '[']).next()).unwrap_or_default();
    if key == "from" {
        let month: Month = number.parse()?;
        return Ok([month.before(), month.after()].map(|month| month.to_string()));
    }
    if key.ends_with("_fen") || key.ends_with("_months") || key == "from_age" {
        let number: i64 = number.replace('_', "").parse()?;
        return Ok([number - 1, number + 1].map(|number| number.to_string()));
    }
    bail!("what is {number}?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_changes_once_each_way() {
        let rules = "# 5 rules\nfrom = \"2020-01\"\nsource = \"2020 年\"\nfloor_fen = 1_000\n\
                     rate = [{ employer = [\"0.2%\", \"16%\"], account = [{ from_age = 35, rate = \"2.8%\" }] }]\n";
        let said: Vec<String> = changed(rules).unwrap().into_iter().map(|changed| changed.what).collect();
        let rates = |employer: &str, account: &str| {
            format!("line 5: rate = [{{ employer = [{employer}], account = [{{ {account} }}] }}]")
        };
        let same = ("\"0.2%\", \"16%\"", "from_age = 35, rate = \"2.8%\"");
        let expected = [
            "line 2: from = \"2019-12\"".to_owned(),
            "line 2: from = \"2020-02\"".to_owned(),
            "line 4: floor_fen = 999".to_owned(),
            "line 4: floor_fen = 1001".to_owned(),
            rates("\"0.1999%\", \"16%\"", same.1),
            rates("\"0.2001%\", \"16%\"", same.1),
            rates("\"0.2%\", \"15.9999%\"", same.1),
            rates("\"0.2%\", \"16.0001%\"", same.1),
            rates(same.0, "from_age = 34, rate = \"2.8%\""),
            rates(same.0, "from_age = 36, rate = \"2.8%\""),
            rates(same.0, "from_age = 35, rate = \"2.7999%\""),
            rates(same.0, "from_age = 35, rate = \"2.8001%\""),
        ];
        assert_eq!(said, expected);
        assert!(changed("months = 6\n").is_err());
        let list = changed("deductible_fen = [10, 2_000]\neligibility = { gap_months = 0 }\n").unwrap();
        let said: Vec<_> = list.iter().map(|changed| changed.what.as_str()).collect();
        let expected = [
            "line 1: deductible_fen = [9, 2_000]",
            "line 1: deductible_fen = [11, 2_000]",
            "line 1: deductible_fen = [10, 1999]",
            "line 1: deductible_fen = [10, 2001]",
            "line 2: eligibility = { gap_months = -1 }",
            "line 2: eligibility = { gap_months = 1 }",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn each_number_of_a_column_changes_once_each_way() {
        let table = "code,first,limit_fen\nA,,100\nB,10%,\n";
        let said: Vec<_> = changed_columns(table, &["first", "limit_fen"]).unwrap();
        let texts: Vec<_> = said.iter().map(|changed| changed.text.as_str()).collect();
        let rows = ["A,,100\nB,9.9999%,", "A,,100\nB,10.0001%,", "A,,99\nB,10%,", "A,,101\nB,10%,"];
        assert_eq!(texts, rows.map(|rows| format!("code,first,limit_fen\n{rows}\n")));
        assert!(changed_columns(table, &["price"]).is_err());
        assert_eq!(unnoticed(&said, |changed| changed.what != "first of B: 9.9999%").unwrap(), ["first of B: 9.9999%"]);
        assert!(unnoticed(&[], |_| true).is_err());
    }
}
