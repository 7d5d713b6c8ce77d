//! Every page that somebody of the office uses, asked for as a browser asks, again and again for other people.
//!
//! The time is that from the first byte of the request to the last of the answer, over TLS on loopback and a connection
//! that stays open: what the server takes, and a little more.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use card_service::domains::residence::model::{Facts, Field};
use town::http::{Client, Visit};

use super::{
    city::{City, Resident},
    weight::{self, Weight},
};

/// An invented password, of each role's member of staff.
const PASSWORD: &str = "invented for a bench of a few minutes";
/// The steps of a registration, and the fields that are typed on each.
const STEPS: [(&str, &[Field]); 4] = [
    ("document", &[Field::DocumentKind, Field::DocumentNumber]),
    ("person", &[Field::Name, Field::LatinName, Field::Birth]),
    ("contact", &[Field::Phone, Field::HouseholdRegion, Field::Occupation]),
    ("home", &[Field::Address, Field::AddressSince, Field::Home, Field::Host, Field::CitySince, Field::StayUntil]),
];

/// A member of staff at the console.
struct Visitor(Client);

/// What was measured: milliseconds by page.
#[derive(Debug, Default)]
pub(super) struct Tour {
    pub(super) times: BTreeMap<&'static str, Vec<f64>>,
    pub(super) weight: Weight,
}

impl Tour {
    /// A tour of so many rounds through a city.
    pub(super) fn of(city: &mut City, rounds: usize) -> Result<Self> {
        let office = city.service.office()?;
        let sign_in = |role: &str| -> Result<Visitor> {
            let session = office.add_staff(&city.service.root(), (role, PASSWORD), role)?;
            Ok(Visitor(session.api().clone()))
        };
        let [clerk, supervisor, auditor] = [sign_in("clerk")?, sign_in("supervisor")?, sign_in("auditor")?];
        let administrator = Visitor(office.api().clone());
        let mut tour = Self::default();
        let step = (city.residents.len() / rounds).max(1);
        let residents: Vec<Resident> = city.residents.iter().step_by(step).take(rounds).cloned().collect();
        ensure!(!residents.is_empty(), "nobody is registered");
        for resident in &residents {
            tour.holder(&clerk, resident)?;
            tour.lists(&[&clerk, &auditor, &administrator], resident)?;
            tour.permit(&supervisor, resident)?;
            tour.map(&supervisor)?;
            let newcomer = city.people.typed();
            tour.registration(&clerk, &newcomer, false)?;
            let again = city.people.again(&resident.facts);
            tour.registration(&clerk, &again, true)?;
        }
        Ok(tour)
    }

    /// One page, which must answer as it should: what is quick because it refuses is not measured.
    fn page(
        &mut self,
        by: &Visitor,
        name: &'static str,
        path: &str,
        form: Option<&[(&str, &str)]>,
        status: u16,
    ) -> Result<Visit> {
        let form =
            form.map(|form| form.iter().map(|(name, text)| format!("{name}={}", encoded(text))).collect::<Vec<_>>());
        let visit = by.0.visit(path, form.map(|form| form.join("&")).as_deref())?;
        self.answered(by, name, &visit, status)?;
        Ok(visit)
    }

    fn answered(&mut self, by: &Visitor, name: &'static str, visit: &Visit, status: u16) -> Result<()> {
        let text = String::from_utf8_lossy(&visit.body);
        ensure!(visit.status == status, "{name} answered {} and not {status}: {text}", visit.status);
        if status == 200 {
            let outside = weight::outside(&text);
            ensure!(outside.is_empty(), "{name} leads out of the house: {outside:?}");
            self.weight.put(&by.0, name, visit)?;
        }
        self.times.entry(name).or_default().push(visit.took.as_secs_f64() * 1_000.0);
        Ok(())
    }

    /// The holder's pages, found by the document.
    fn holder(&mut self, clerk: &Visitor, resident: &Resident) -> Result<()> {
        let Resident { holder, card, facts } = resident;
        let document = |number: &'static str| [("document_kind", "passport"), ("document_number", number)];
        let own = [Field::DocumentKind, Field::DocumentNumber].map(|field| (field.name(), facts.get(field)));
        self.page(clerk, "home", "/", None, 200)?;
        self.page(clerk, "find", "/find", None, 200)?;
        self.page(clerk, "find_nobody", "/find", Some(&document("T000000000X")), 200)?;
        let found = self.page(clerk, "find_somebody", "/find", Some(&own), 303)?;
        let address = format!("/holders/{holder}");
        ensure!(found.location.as_deref() == Some(&address), "found {:?} and not {address}", found.location);
        self.page(clerk, "holder", &address, None, 200)?;
        self.page(clerk, "record", &format!("{address}/record"), Some(&[("reason", "registration")]), 200)?;
        self.page(clerk, "change", &format!("{address}/change/phone"), None, 200)?;
        let phone = [("phone", "13900139000"), ("why", "mistyped"), ("seen", "0")];
        let changed = self.page(clerk, "change_sent", &format!("{address}/change/phone"), Some(&phone), 303)?;
        ensure!(changed.location.as_deref() == Some(&address), "changing led to {:?}", changed.location);
        self.page(clerk, "merge", &format!("{address}/merge"), None, 200)?;
        self.page(clerk, "card_desk", &format!("{address}/cards/{card}"), None, 200)?;
        self.page(clerk, "unblock", &format!("{address}/cards/{card}/unblock"), None, 200)?;
        Ok(())
    }

    /// What whoever may look at activity sees.
    fn lists(&mut self, visitors: &[&Visitor], resident: &Resident) -> Result<()> {
        for by in visitors {
            self.page(by, "home", "/", None, 200)?;
            self.page(by, "activity", "/activity?purpose=oversight", None, 200)?;
            self.page(by, "card", &format!("/cards/{}?purpose=oversight", resident.card), None, 200)?;
        }
        let card = format!("/cards/{}/holder?purpose=oversight", resident.card);
        self.page(visitors[0], "card_holder", &card, Some(&[("reason", "complaint")]), 200)?;
        Ok(())
    }

    /// Where people live: the city, and down to the cells.
    fn map(&mut self, supervisor: &Visitor) -> Result<()> {
        for path in ["/map", "/map/district/01", "/map/street/0101", "/map/community/010101"] {
            self.page(supervisor, "map", path, None, 200)?;
        }
        Ok(())
    }

    fn permit(&mut self, supervisor: &Visitor, resident: &Resident) -> Result<()> {
        self.page(supervisor, "permits", "/permits", None, 200)?;
        self.page(supervisor, "permit", &format!("/holders/{}/permit", resident.holder), None, 200)?;
        Ok(())
    }

    /// A registration from the blank form to the record, of somebody who is new or who is registered already.
    fn registration(&mut self, clerk: &Visitor, typed: &Facts, is_known: bool) -> Result<String> {
        let begun = self.page(clerk, "registration_begun", "/registrations", Some(&[]), 303)?;
        let first = begun.location.context("a registration begins on a page")?;
        let draft = first.trim_end_matches("/document").to_owned();
        for (step, fields) in STEPS {
            let path = format!("{draft}/{step}");
            self.page(clerk, "registration_form", &path, None, 200)?;
            let form: Vec<_> = fields.iter().map(|field| (field.name(), typed.get(*field))).collect();
            self.page(clerk, "registration_form_sent", &path, Some(&form), 303)?;
        }
        let check = format!("{draft}/check");
        let similar = format!("{draft}/similar");
        let mut met = 0;
        // Who is alike is asked about one by one.
        loop {
            let visit = clerk.0.visit(&check, None)?;
            if visit.status != 303 {
                self.answered(clerk, "check", &visit, 200)?;
                break;
            }
            self.answered(clerk, "check_alike", &visit, 303)?;
            let page = self.page(clerk, "similar", &similar, None, 200)?;
            let other = hidden(&String::from_utf8_lossy(&page.body), "other").context("nobody to compare with")?;
            let answer = [("other", other.as_str()), ("answer", "namesakes")];
            self.page(clerk, "similar_answered", &similar, Some(&answer), 303)?;
            met += 1;
        }
        ensure!(met > 0 || !is_known, "somebody who is registered already was not found to be alike");
        let registered = self.page(clerk, "registered", &check, Some(&[("agrees", "card")]), 303)?;
        let holder = registered.location.unwrap_or_default();
        ensure!(holder.starts_with("/holders/"), "registering led to {holder}");
        Ok(holder)
    }
}

/// Registers somebody who is like nobody, through the pages alone, and leads to the page of the holder.
pub(super) fn register(clerk: &Client, typed: &Facts) -> Result<String> {
    Tour::default().registration(&Visitor(clerk.clone()), typed, false)
}

/// The value of a hidden input.
fn hidden(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

/// As a form encodes it.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use town::service::Service;

    use super::*;

    #[test]
    fn a_page_that_answers_otherwise_or_finds_nobody_stops_the_tour() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::found(&folder.path().join("service")).unwrap();
        let clerk = Visitor(service.office().unwrap().api().clone());
        let mut tour = Tour::default();
        tour.page(&clerk, "home", "/", None, 200).unwrap();
        for (planted, path, status) in [("not there", "/nowhere", 200), ("leads on", "/registrations", 200)] {
            assert!(tour.page(&clerk, planted, path, None, status).is_err(), "{planted}");
        }
        let stranger = Visitor(Client::new(service.url(), Some(&service.root())).unwrap());
        assert!(tour.page(&stranger, "signed out", "/", None, 200).is_err());
        assert_eq!(tour.times.keys().copied().collect::<Vec<_>>(), ["home"]);
        // Nobody is registered: somebody who is said to be was not found, and the search is broken.
        let mut people = super::super::people::People::new(3, super::super::city::today().unwrap());
        let error = tour.registration(&clerk, &people.typed(), true).unwrap_err();
        assert!(error.to_string().contains("was not found to be alike"), "{error}");
    }
}
