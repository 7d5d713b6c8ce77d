//! Where people live, in a real browser: grid cells are read from a file, a family is registered in one house and becomes a
//! household, and the map counts who lives where.

use anyhow::Result;
use browser::{
    Chromium, Scripts, Visitor,
    visitor::{LANGUAGES, agree},
};
use town::{Town, process};

/// Invented, like every name and number here.
const CLERK: (&str, &str) = ("test-clerk", "invented for a clerk of a few minutes");
const CELLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../town/data/cells.geojson");
/// The cell of the house, and all in which it lies.
const CELL: &str = "虚构东区 虚构河滨街道 虚构柳岸社区 柳岸第1网格";

/// A clerk at the console.
struct Desk<'browser> {
    browser: &'browser Chromium,
    visitor: Visitor<'browser>,
    url: String,
    /// Whether each page is looked at in every way, with scripts.
    looks: bool,
}

impl Desk<'_> {
    fn page(&mut self, name: &str) -> Result<()> {
        if self.looks { self.visitor.visit(&format!("homes-{name}")) } else { Ok(()) }
    }

    fn go_on(&self) -> Result<()> {
        self.browser.follow("main form button.primary")
    }

    /// Types a registration up to the home, in a house.
    fn register(&self, document: &str, name: &str, birth: &str, address: &str) -> Result<()> {
        self.browser.open(&self.url)?;
        self.browser.follow("form[action='/registrations'] button")?;
        self.browser.click("label[for=document_kind-passport]")?;
        self.browser.type_into("#document_number", document)?;
        self.go_on()?;
        self.browser.type_into("#name", name)?;
        self.browser.type_into("#birth", birth)?;
        self.go_on()?;
        self.go_on()?;
        self.browser.type_into("#address", address)?;
        self.browser.type_into("#room", "301")?;
        self.browser.click("label[for=home-rented]")?;
        self.go_on()
    }

    /// Sends nothing, is told what to do, looks at that, and chooses.
    fn answer(&mut self, name: &str, summary: &str, choice: &str) -> Result<()> {
        self.page(name)?;
        self.go_on()?;
        self.browser.until(&format!(".summary[role=alert] a[href^='#{summary}']"))?;
        self.page(&format!("{name}-wrong"))?;
        self.browser.click(choice)?;
        self.go_on()
    }

    /// Keeps what was typed, and leads to the holder's page with the record.
    fn keep(&self) -> Result<String> {
        agree(self.browser, "card")?;
        self.browser.until("#record form")?;
        let holder = self.browser.address()?;
        self.read()?;
        Ok(holder)
    }

    fn read(&self) -> Result<()> {
        self.browser.click("#record label[for=purpose-registration]")?;
        self.browser.follow("#record form button")?;
        self.browser.until("#record dl")
    }

    /// A family of two in one house, and what becomes of it.
    fn family(&mut self, [mother, child]: [&str; 2], year: u32, address: &str) -> Result<()> {
        let names = [format!("测试母{year}"), format!("测试子{year}")];
        self.register(mother, &names[0], &format!("{year}-03-07"), address)?;
        self.browser.until("select#cell")?;
        self.answer("cell", "cell", "option[value='cell:990101001001001']")?;
        self.browser.until(".answers")?;
        self.page("check")?;
        let answers = self.browser.texts(".answers dd:not(.change)")?;
        assert!(answers.iter().any(|answer| answer == CELL), "{answers:?}");
        let first = self.keep()?;

        // The house is known now, and somebody lives there: the head of a household, if the newcomer belongs to one.
        self.register(child, &names[1], &format!("{}-11-23", year + 25), address)?;
        self.browser.until("input[name=whose]")?;
        let offered = self.browser.texts("label[for^='whose-']")?;
        assert!(offered.len() == 2 && offered[0].contains(&names[0]), "{offered:?}");
        self.answer("household", "whose", "main .choice:first-of-type label")?;
        self.browser.until("#relationship-son")?;
        self.answer("relationship", "relationship", "label[for=relationship-son]")?;
        self.browser.until(".answers")?;
        self.page("check-household")?;
        let second = self.keep()?;
        assert_eq!(self.browser.count("#household li")?, 2);
        self.page("record")?;

        // It was a daughter.
        self.browser.follow("#household a[href$='/household/relationship']")?;
        self.browser.click("label[for=relationship-daughter]")?;
        self.answer("relationship-corrected", "why", "label[for=why-mistyped]")?;
        self.browser.until("#timeline")?;
        self.read()?;
        self.browser.follow("#household a[href$='/household/head']")?;
        self.answer("head", "relationship", "label[for=relationship-parent]")?;
        self.browser.until("#record form")?;
        self.read()?;
        assert!(self.browser.text("#household li:first-child")?.contains(&names[1]), "the new head stands first");
        self.browser.follow("#household a[href$='/household/leave']")?;
        self.answer("leave", "why", "label[for=why-changed]")?;
        self.browser.until("#record form")?;
        self.read()?;
        assert_eq!(self.browser.count("#household")?, 0);
        assert_eq!(self.browser.count("#households li")?, 2, "a daughter, then the head; never a son");
        self.page("record-left")?;

        // Together again after all, by the other's document.
        self.browser.follow("#record a[href$='/household']")?;
        self.browser.click("label[for=document_kind-passport]")?;
        self.answer("whose", "document_number", "label[for=document_kind-passport]")?;
        self.browser.type_into("#document_number", mother)?;
        self.go_on()?;
        self.browser.until("#relationship-daughter")?;
        assert!(self.browser.text(".lead")?.contains(&names[0]), "whose name is read");
        self.answer("related", "relationship", "label[for=relationship-daughter]")?;
        self.browser.until("#record form")?;
        assert_eq!(self.browser.address()?, second);
        assert_ne!(first, second);
        Ok(())
    }

    /// The map: of the city, and down to the cells.
    fn map(&mut self) -> Result<()> {
        self.browser.open(&format!("{}/", self.url))?;
        self.browser.follow("a[href='/map']")?;
        self.browser.until("svg.map")?;
        self.page("map")?;
        for level in ["district", "street", "community"] {
            self.browser.follow(&format!("#counts tbody tr:first-child a[href^='/map/{level}/']"))?;
            self.browser.until("svg.map")?;
        }
        self.page("map-community")?;
        let counts = self.browser.texts("#counts td.number")?;
        assert_eq!(counts.len(), 6);
        assert!(counts.iter().all(|count| count.parse::<u64>().is_err()), "so few are not shown: {counts:?}");
        Ok(())
    }
}

fn story(scripts: Scripts, year: u32) -> Result<()> {
    let (town, browser) = (Town::open()?, Chromium::start(scripts)?);
    town.office.add_staff(&town.service.root(), CLERK, "clerk")?;
    process::run(town.service.command()?.args(["area", "import", CELLS]))?;
    let url = town.service.url().to_owned();
    let visitor = Visitor::new(&browser, LANGUAGES[0]);
    let mut desk = Desk { browser: &browser, visitor, url, looks: scripts == Scripts::Allowed };
    for (number, language) in (0..).zip(LANGUAGES) {
        desk.visitor.language = language;
        desk.visitor.sign_in(&desk.url, CLERK)?;
        let documents = [0, 1].map(|of| format!("T{}", 1_000_000 + 10 * number + of));
        desk.family(documents.each_ref().map(String::as_str), year + number, &format!("测试路 {} 号", number + 1))?;
        desk.map()?;
        desk.visitor.sign_out()?;
    }
    assert!(desk.visitor.noted.is_empty(), "{:#?}", desk.visitor.noted);
    Ok(())
}

#[test]
fn a_family_is_registered_in_one_house_and_the_map_gives_nobody_away_in_both_languages() -> Result<()> {
    story(Scripts::Allowed, 1960)
}

#[test]
fn the_same_goes_without_scripts() -> Result<()> {
    story(Scripts::Off, 1970)
}
