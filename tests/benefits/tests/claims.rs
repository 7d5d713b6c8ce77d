//! Claims: the engine agrees with the sheet in every fen, and would not if any number of the rules or of the items were another.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use benefits::changed::{changed, changed_columns, unnoticed};
use benefits::claims::{Bill, CITIES, ITEMS, SHEET, Who, bills, everybody};
use benefits::file;
use benefits::sheet::{Table, calculated};
use card_service::domains::clinic::coverage::catalogue::Catalogue;
use card_service::domains::clinic::coverage::policy::Policy;

/// No fewer lines than this are tried, or the sheet was not read to its end.
const LEAST_LINES: usize = 440;
/// No fewer people than this.
const LEAST_PEOPLE: usize = 58;

/// All there is to agree on.
struct Scene {
    tables: BTreeMap<String, Table>,
    bills: Vec<Bill>,
    people: Vec<Who>,
    policies: BTreeMap<&'static str, Policy>,
    catalogue: Catalogue,
}

impl Scene {
    fn open() -> Result<Self> {
        let tables = calculated(&file(SHEET))?;
        let table = |name: &str| tables.get(name).with_context(|| format!("there is no table {name}"));
        let (bills, people) = (bills(table("cases")?)?, everybody(table("eligibility")?)?);
        let policy = |(city, path): (&'static str, &str)| {
            let text = fs::read_to_string(file(path)).context(path.to_owned())?;
            Ok((city, Policy::read(&text).map_err(|unusable| anyhow::anyhow!("{path}: {unusable:?}"))?))
        };
        let policies = CITIES.into_iter().map(policy).collect::<Result<_>>()?;
        let catalogue = Catalogue::read(&fs::read_to_string(file(ITEMS))?).expect("items");
        Ok(Self { tables, bills, people, policies, catalogue })
    }

    /// What differs of a city's cases by these rules and items.
    fn differences(&self, city: &str, policy: &Policy, catalogue: &Catalogue) -> impl Iterator<Item = String> {
        let bills = self.bills.iter().filter(move |bill| bill.city == city);
        let people = self.people.iter().filter(move |who| who.city == city);
        let bills = bills.filter_map(move |bill| bill.difference(policy, catalogue));
        bills.chain(people.filter_map(move |who| who.difference(policy)))
    }
}

#[test]
fn every_line_costs_and_everybody_is_covered_as_the_sheet_says() -> Result<()> {
    let scene = Scene::open()?;
    let lines: usize = scene.bills.iter().map(Bill::len).sum();
    assert!(lines >= LEAST_LINES && scene.people.len() >= LEAST_PEOPLE, "{lines}, {}", scene.people.len());
    let in_cities = |city: &str| scene.policies.contains_key(city);
    assert!(
        scene.bills.iter().all(|bill| in_cities(&bill.city)) && scene.people.iter().all(|who| in_cities(&who.city))
    );
    let differ =
        |(city, policy): (&&str, &Policy)| scene.differences(city, policy, &scene.catalogue).collect::<Vec<_>>();
    let found: Vec<String> = scene.policies.iter().flat_map(differ).collect();
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
    for rule in ["rules", "terms"].into_iter().filter_map(|name| scene.tables.get(name)).flat_map(Table::rows) {
        let (city, from) = (rule.text("city")?, rule.text("from")?);
        assert!(!rule.text("source")?.is_empty(), "{city}, {from}: where is it published?");
    }
    Ok(())
}

#[test]
fn any_number_of_the_rules_that_is_another_is_noticed() -> Result<()> {
    let scene = Scene::open()?;
    assert_eq!(scene.policies["Beijing"], Policy::beijing(), "the rules that were compiled are those of the file");
    for (city, path) in CITIES {
        let all = changed(&fs::read_to_string(file(path))?)?;
        // What cannot be followed is noticed when it is read.
        let unnoticed = unnoticed(&all, |change| {
            Policy::read(&change.text)
                .map_or(true, |policy| scene.differences(city, &policy, &scene.catalogue).next().is_some())
        })?;
        assert!(unnoticed.is_empty(), "{} of {} changes:\n{}", unnoticed.len(), all.len(), unnoticed.join("\n"));
    }
    Ok(())
}

#[test]
fn any_number_of_the_items_that_is_another_is_noticed() -> Result<()> {
    let scene = Scene::open()?;
    let all = changed_columns(&fs::read_to_string(file(ITEMS))?, &["first", "limit_fen"])?;
    let unnoticed = unnoticed(&all, |change| {
        let catalogue =
            Catalogue::read(&change.text).unwrap_or_else(|unusable| panic!("{}: {unusable:?}", change.what));
        scene.policies.iter().any(|(city, policy)| scene.differences(city, policy, &catalogue).next().is_some())
    })?;
    assert!(unnoticed.is_empty(), "{} of {} changes:\n{}", unnoticed.len(), all.len(), unnoticed.join("\n"));
    Ok(())
}
