//! Nothing that is known of a thousand people lies anywhere in clear: not in the database, its log and its backup, not in
//! what the service writes to its log, not in what was typed or sent and is no record yet. With the keys, all of it is there.

use std::{fs, path::Path, thread};

use anyhow::{Context, Result, ensure};
use card_schema::{clock::Micros, date::Date, document::DocumentNumber};
use e2e::disguise::{Search, percent_encoded};
use postgres_cluster::Cluster;
use serde_json::{Value, json};
use tempfile::TempDir;
use town::{http::Client, office::Office, process, service::Service, wait::PATIENCE};

/// Everybody is invented from this number.
const SEED: u64 = 20_261_127;
const PEOPLE: usize = 1_000;
/// So many of them have moved since.
const MOVED: usize = 40;
/// So many more are typed half and left.
const DRAFTS: usize = 20;
/// So many more stand in spreadsheets. An even number.
const IN_SHEETS: usize = 40;
/// How many callers register at once.
const CALLERS: usize = 4;
const FIELDS: [&str; 4] = ["name", "document_number", "phone", "address"];

/// Somebody who does not exist.
#[derive(Clone, Debug)]
struct Person {
    kind: &'static str,
    name: String,
    document_number: String,
    phone: String,
    address: String,
    /// Where they moved from, if they did.
    earlier: Option<String>,
    /// Who signed the form on which they agreed.
    signer: String,
}

impl Person {
    fn invented(random: &mut fastrand::Rng, number: usize) -> Self {
        let mut characters = |count: usize| -> String {
            // Common characters, all of which have a sound.
            (0..count).filter_map(|_| char::from_u32(random.u32(0x4E00..0x9F00))).collect()
        };
        let (name, road, before) = (characters(4), characters(5), characters(5));
        let signer = characters(4);
        let (kind, document_number) = if number.is_multiple_of(2) {
            ("resident_identity_card", identity_number(random))
        } else {
            ("passport", format!("TST{:08}", random.u32(10_000_000..100_000_000)))
        };
        Self {
            kind,
            name,
            document_number,
            phone: format!("138{:08}", random.u32(..100_000_000)),
            address: format!("{road}路 {} 号", random.u32(1..999)),
            earlier: (number < MOVED).then(|| format!("{before}街 {} 号", random.u32(1..999))),
            signer,
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = [&self.name, &self.document_number, &self.phone, &self.address, &self.signer].map(String::as_str);
        texts.into_iter().chain(self.earlier.as_deref())
    }

    fn registration(&self) -> Value {
        json!({
            "document_kind": self.kind,
            "document_number": self.document_number,
            "name": self.name,
            "phone": self.phone,
            "birth": (self.kind == "passport").then_some("1990-01-01"),
            "address": self.earlier.as_ref().unwrap_or(&self.address),
            "address_since": "2026-03-01",
            "home": "rented",
            "purpose": "registration",
        })
    }
}

/// A number of an identity card that no region has given out, with its check character.
fn identity_number(random: &mut fastrand::Rng) -> String {
    let body = format!(
        "110000{}{:02}{:02}{:03}",
        random.u32(1950..2000),
        random.u32(1..13),
        random.u32(1..29),
        random.u32(..1000)
    );
    let today = Date::of_utc(Micros(1_790_000_000_000_000));
    let numbers = "0123456789X".chars().map(|check| format!("{body}{check}"));
    numbers.into_iter().find(|number| DocumentNumber::parse(number, today).is_ok()).expect("one of them is right")
}

/// A form as browsers send it.
fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, text)| format!("{name}={}", percent_encoded(text))).collect::<Vec<_>>().join("&")
}

/// Registers everybody and answers their holders' ids, in order.
fn register(api: &Client, people: &[Person]) -> Result<Vec<String>> {
    let one = |person: &Person| {
        let reply = api.post("/v1/holders", &person.registration())?.success()?;
        Ok(reply["holder_id"].as_str().context("a holder has an id")?.to_owned())
    };
    thread::scope(|scope| {
        let size = people.len().div_ceil(CALLERS);
        let callers: Vec<_> = people
            .chunks(size)
            .map(|chunk| scope.spawn(move || chunk.iter().map(one).collect::<Result<Vec<_>>>()))
            .collect();
        let mut holders = Vec::with_capacity(people.len());
        for caller in callers {
            holders.extend(caller.join().expect("a caller does not panic")?);
        }
        Ok(holders)
    })
}

/// Two spreadsheets, of which one is registered and the other only looked at, and a third that is refused as a whole.
fn sheets(office: &Office, people: &[Person]) -> Result<()> {
    let row = |person: &Person| {
        let Person { kind, name, document_number, phone, address, .. } = person;
        format!("{kind},{document_number},{name},1990-01-01,{phone},{address},2026-03-01,rented")
    };
    let sheet = |people: &[Person], first: &str| {
        let headings = "document_kind,document_number,name,birth,phone,address,address_since,home";
        let rows = [headings, first].into_iter().map(str::to_owned).chain(people.iter().map(row));
        rows.filter(|row| !row.is_empty()).collect::<Vec<_>>().join("\r\n")
    };
    let (registered, looked_at) = people.split_at(people.len() / 2);
    let import = office.send_sheet(sheet(registered, "").as_bytes(), PATIENCE)?;
    office.register_sheet(&import, PATIENCE)?;
    for person in registered {
        let document = form(&[("document_kind", person.kind), ("document_number", &person.document_number)]);
        ensure!(office.api().visit("/find", Some(&document))?.status == 303, "somebody of the sheet is not registered");
    }
    office.send_sheet(sheet(looked_at, "").as_bytes(), PATIENCE)?;
    ensure!(office.send_sheet(sheet(looked_at, "=A1,,,,,,,").as_bytes(), PATIENCE).is_err(), "a formula");
    Ok(())
}

/// What the records say of everybody, to somebody who says why.
fn all_are_there(api: &Client, people: &[Person], holders: &[String]) -> Result<()> {
    for (person, holder) in people.iter().zip(holders) {
        let ask = json!({"purpose": "complaint", "fields": FIELDS});
        let read = api.post(&format!("/v1/holders/{holder}/reads"), &ask)?.success()?;
        let expected = [&person.name, &person.document_number, &person.phone, &person.address];
        for (field, text) in FIELDS.iter().zip(expected) {
            ensure!(read[field] == **text, "{field} of {holder} is not what was registered");
        }
    }
    Ok(())
}

/// A certificate is issued and printed, and somebody compares what is on it.
fn on_paper(api: &Client, person: &Person, holder: &str) -> Result<()> {
    let issued = api.visit(&format!("/holders/{holder}/papers/new"), Some("kind=certificate"))?;
    let paper = issued.location.context("a certificate is issued")?;
    let printed = api.visit(&format!("{paper}/print"), Some("reason=holder_request"))?;
    ensure!(String::from_utf8_lossy(&printed.body).contains(&person.name), "it is not the person's");
    let named =
        [("text", "AAAA"), ("name", &*person.name), ("document_number", &person.document_number), ("code", "1")];
    ensure!(api.post_form("/papers/check/answer", &form(&named))?.status == 200);
    let on_paper = json!({"name": person.name, "document_number": person.document_number, "check_code": "1"});
    ensure!(api.post("/v1/papers/check", &json!({"text": "AAAA", "on_paper": on_paper}))?.status == 400);
    Ok(())
}

/// Somebody signs a form for a person; whoever says why is told who that was.
fn agreed(api: &Client, person: &Person, holder: &str) -> Result<()> {
    let at = format!("/holders/{holder}/agreement");
    let printed = String::from_utf8_lossy(&api.visit(&format!("{at}/form"), Some(""))?.body).into_owned();
    let number = printed.split("id=\"number\">").nth(1).and_then(|after| after.split('<').next());
    let number = number.context("a form has a number")?;
    let day = printed.split("name=\"day\" value=\"").nth(1).and_then(|after| after.split('"').next());
    let wrong = [("form", number), ("day", ""), ("signer", "relative"), ("name", &*person.signer)];
    ensure!(api.visit(&format!("{at}/signed"), Some(&form(&wrong)))?.status == 422);
    let signed = [wrong[0], ("day", day.context("a day is proposed")?), wrong[2], wrong[3]];
    ensure!(api.visit(&format!("{at}/signed"), Some(&form(&signed)))?.status == 303, "the form is recorded");
    let record = api.visit(&format!("/holders/{holder}/record"), Some("reason=complaint"))?;
    ensure!(String::from_utf8_lossy(&record.body).contains(&person.signer), "who signed is on record");
    Ok(())
}

/// Whatever else people type: registrations that are left half-way, moves, searches, and mistakes that are refused.
fn lives(api: &Client, people: &[Person], holders: &[String], drafts: &[Person]) -> Result<()> {
    for (person, holder) in people.iter().zip(holders).take(MOVED) {
        let moved =
            [("address", &*person.address), ("address_since", "2026-09-01"), ("home", "employer"), ("why", "changed")];
        ensure!(api.post_form(&format!("/holders/{holder}/change/address"), &form(&moved))?.status < 400);
    }
    for (person, holder) in people.iter().zip(holders).take(DRAFTS) {
        on_paper(api, person, holder)?;
        agreed(api, person, holder)?;
    }
    for draft in drafts {
        api.post_form("/registrations", "")?;
        let home = api.get("/")?.body;
        let at = home.as_str().context("a page")?.split("href=\"/registrations/").nth(1).context("a draft")?;
        let id = at.split('/').next().context("an id")?.to_owned();
        let document = form(&[("document_kind", draft.kind), ("document_number", &draft.document_number)]);
        let person = form(&[("name", &draft.name), ("birth", "1990-01-01")]);
        for (step, typed) in [
            ("document", document),
            ("person", person),
            ("contact", form(&[("phone", &draft.phone)])),
            ("home", form(&[("address", &draft.address), ("home", "no such home")])),
        ] {
            api.post_form(&format!("/registrations/{id}/{step}"), &typed)?;
        }
    }
    for person in people.iter().take(DRAFTS) {
        let document = form(&[("document_kind", person.kind), ("document_number", &person.document_number)]);
        api.post_form("/find", &document)?;
        // Once more, and with what cannot be.
        ensure!(api.post("/v1/holders", &person.registration())?.status == 409);
        let mut wrong = person.registration();
        wrong["birth"] = json!("1990-02-30");
        ensure!(api.post("/v1/holders", &wrong)?.status >= 400);
        wrong["no_such_field"] = json!(person.name);
        ensure!(api.post("/v1/holders", &wrong)?.status >= 400);
        let address = form(&[("q", &person.name)]);
        ensure!(api.get(&format!("/no-such-page?{address}"))?.status == 404);
    }
    Ok(())
}

/// Searches these folders; the search is shown to find what is there.
fn nothing_in_clear(search: &Search, folders: &[&Path], planted: &Person) -> Result<()> {
    let mut seen = 0;
    for folder in folders {
        let (holding, bytes) = search.in_folder(folder)?;
        ensure!(holding.is_empty(), "in clear, in one form or another: {holding:?}");
        seen += bytes;
    }
    ensure!(seen > 1 << 20, "only {seen} bytes were looked through");
    let plant = folders[0].join("planted");
    fs::write(&plant, planted.name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())?;
    let (holding, _) = search.in_folder(folders[0])?;
    fs::remove_file(&plant)?;
    ensure!(holding.contains(&plant), "the search does not find what was planted");
    println!("{seen} bytes");
    Ok(())
}

fn a_thousand_people(service: &Service, folder: &Path, more: &[&Path]) -> Result<()> {
    println!("seed {SEED}");
    let mut random = fastrand::Rng::with_seed(SEED);
    let people: Vec<_> = (0..PEOPLE).map(|number| Person::invented(&mut random, number)).collect();
    let drafts: Vec<_> = (0..DRAFTS).map(|_| Person::invented(&mut random, PEOPLE + 1)).collect();
    let listed: Vec<_> = (0..IN_SHEETS).map(|_| Person::invented(&mut random, PEOPLE + 1)).collect();
    let office = service.office()?;
    let api = office.api();
    let holders = register(api, &people)?;
    lives(api, &people, &holders, &drafts)?;
    sheets(&office, &listed)?;
    all_are_there(api, &people, &holders)?;
    process::run(service.command()?.args(["db", "backup"]).arg(folder.join("backup")))?;
    let search = Search::of(people.iter().chain(&drafts).chain(&listed).flat_map(Person::texts))?;
    let folders: Vec<&Path> = [folder].into_iter().chain(more.iter().copied()).collect();
    nothing_in_clear(&search, &folders, &people[0])
}

#[test]
fn a_thousand_people_are_nowhere_in_clear_on_sqlite() -> Result<()> {
    let folder = TempDir::new()?;
    let service = Service::found(folder.path())?;
    a_thousand_people(&service, folder.path(), &[])
}

#[test]
fn a_thousand_people_are_nowhere_in_clear_on_postgresql() -> Result<()> {
    let (cluster, folder) = (Cluster::start()?, TempDir::new()?);
    let service = Service::found_on(&cluster.database("sealed")?, folder.path())?;
    a_thousand_people(&service, folder.path(), &[cluster.folder()])
}
