//! Rules with one number changed by the least that can be written. Does not say what changes by it.

use std::ops::Range;

use anyhow::{Context as _, Result, bail};
use card_schema::month::Month;

/// Rules with a defect.
#[derive(Debug)]
pub struct Changed {
    /// Which line, from 1, and what it says now.
    pub what: String,
    /// The whole text.
    pub text: String,
}

/// The rules, each time with another number changed: every number once upwards and once downwards. Amounts change by a fen, rates by a
/// ten-thousandth of a percent, ages by a year, months by one.
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
    if before == "from = \"" {
        let month: Month = number.parse()?;
        return Ok([month.before(), month.after()].map(|month| month.to_string()));
    }
    if let Some(rate) = number.strip_suffix('%') {
        let (whole, part) = rate.split_once('.').unwrap_or((rate, ""));
        let millionths: i64 = format!("{whole}{part:0<4}").parse()?;
        return Ok([-1, 1].map(|more| millionths + more).map(|all| format!("{}.{:04}%", all / 10_000, all % 10_000)));
    }
    if before.ends_with("_fen = ") || before.ends_with("from_age = ") {
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
    }
}
