//! Contributions: the engine agrees with the sheet in every number, and would not if any number of the rules were another.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use benefits::changed::{changed, unnoticed};
use benefits::contributions::{Case, SHEET, cases};
use benefits::sheet::{Table, calculated};
use benefits::{RULES, file};
use card_service::domains::social_security::scheme::Scheme;

/// No fewer cases than this are tried, or the sheet was not read to its end.
const LEAST: usize = 130;

fn cases_of(tables: &BTreeMap<String, Table>) -> Result<Vec<Case>> {
    cases(tables.get("cases").context("there is no table of cases")?)
}

fn differences(cases: &[Case], scheme: &Scheme) -> Vec<String> {
    cases.iter().filter_map(|case| case.difference(scheme)).collect()
}

#[test]
fn every_case_costs_what_the_sheet_says() -> Result<()> {
    let tables = calculated(&file(SHEET))?;
    let cases = cases_of(&tables)?;
    assert!(cases.len() >= LEAST, "{} cases", cases.len());
    let found = differences(&cases, &Scheme::beijing());
    assert!(found.is_empty(), "{} of {} cases differ:\n{}", found.len(), cases.len(), found.join("\n"));
    for rule in tables.get("rules").context("there is no table of rules")?.rows() {
        for source in ["source of the bounds", "source of the rates"] {
            let (from, insurance) = (rule.text("from")?, rule.text("insurance")?);
            assert!(!rule.text(source)?.is_empty(), "{from}, {insurance}: where is it published?");
        }
    }
    Ok(())
}

#[test]
fn any_number_of_the_rules_that_is_another_is_noticed() -> Result<()> {
    let cases = cases_of(&calculated(&file(SHEET))?)?;
    let rules = fs::read_to_string(file(RULES)).context(RULES)?;
    let scheme = Scheme::read(&rules).expect("rules");
    assert_eq!(scheme, Scheme::beijing(), "the rules that were compiled are those of the file");
    assert_eq!(differences(&cases, &scheme), Vec::<String>::new());
    let all = changed(&rules)?;
    let unnoticed = unnoticed(&all, |change| {
        let scheme = Scheme::read(&change.text).unwrap_or_else(|unusable| panic!("{}: {unusable:?}", change.what));
        cases.iter().any(|case| case.difference(&scheme).is_some())
    })?;
    assert!(unnoticed.is_empty(), "{} of {} changes:\n{}", unnoticed.len(), all.len(), unnoticed.join("\n"));
    Ok(())
}

/// The committed sheet holds no results. One that was saved in LibreOffice does, and they may be of older rules.
#[test]
fn results_that_were_left_in_a_sheet_are_not_believed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (text, stale) = (fs::read_to_string(file(SHEET)).context(SHEET)?, folder.path().join("stale.fods"));
    let cell = "<table:table-cell table:formula=";
    assert!(text.contains(cell), "where are the formulas?");
    let result = "<table:table-cell office:value-type=\"float\" office:value=\"7\" table:formula=";
    fs::write(&stale, text.replace(cell, result))?;
    let cases = cases_of(&calculated(&stale)?)?;
    assert_eq!(differences(&cases, &Scheme::beijing()), Vec::<String>::new());
    Ok(())
}
