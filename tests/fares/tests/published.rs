//! The tables of cases: each row asks for the fen and the reasons that its source gives.

use std::collections::BTreeMap;

use anyhow::Result;
use fares::{Case, cases, charges, explanation, feeds, tariff, written_out};

/// What is wrong with a row.
fn wrong(tariff: &card_service::domains::transit::Tariff, case: &Case) -> Result<Option<String>> {
    let charges = charges(tariff, case)?;
    let fen: Vec<String> = written_out(&case.fen)?.into_iter().map(|(_, fen)| fen).collect();
    let why: Vec<String> = written_out(&case.explanation)?.into_iter().map(|(_, why)| why).collect();
    let got: Vec<String> = charges.iter().map(|charge| charge.amount.0.to_string()).collect();
    let because: Vec<String> = charges.iter().map(|charge| explanation(&tariff.explained(charge))).collect();
    let is_right = got == fen && because == why;
    Ok((!is_right).then(|| {
        format!(
            "{} / {}:\n  wants {} because {}\n  is    {} because {}",
            case.feed,
            case.case,
            fen.join(";"),
            why.join("; "),
            got.join(";"),
            because.join("; ")
        )
    }))
}

#[test]
fn every_case_costs_what_its_source_says_and_for_its_reasons() -> Result<()> {
    let mut tariffs = BTreeMap::new();
    for feed in feeds()? {
        tariffs.insert(feed.clone(), tariff(&feed)?);
    }
    let mut wrongs = Vec::new();
    for case in cases()? {
        assert!(!case.source.is_empty(), "{}: where is it published?", case.case);
        wrongs.extend(wrong(&tariffs[&case.feed], &case)?);
    }
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
    Ok(())
}

#[test]
fn a_planted_fen_too_many_is_found() -> Result<()> {
    let mut case = cases()?.into_iter().next().expect("a case");
    let tariff = tariff(&case.feed)?;
    assert_eq!(wrong(&tariff, &case)?, None);
    case.fen = format!("{}1", case.fen);
    assert!(wrong(&tariff, &case)?.is_some());
    Ok(())
}
