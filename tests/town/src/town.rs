//! The town as a whole.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, ensure};
use card_schema::{
    ids::{HolderId, SiteId},
    operation::OperationCode,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    daemon::Daemon,
    http::Client,
    line::Line,
    office::{NewCard, Office},
    pcscd::Pcscd,
    process,
    service::Service,
    wait,
};

/// The site at which the gate stands.
const VILLAGE: &str = "Invented Village 虚构村";
/// A clinic.
const CLINIC: &str = "Invented Clinic 虚构社区医院";

/// A place in town with a terminal and a reader of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The service station: issues cards and takes cash.
    Station,
    /// A shop.
    Shop,
    /// The village gate.
    Gate,
}

impl Place {
    /// All of them; a place's reader is at its index.
    pub const ALL: [Self; 3] = [Self::Station, Self::Shop, Self::Gate];

    /// Name in paths and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Shop => "shop",
            Self::Gate => "gate",
        }
    }

    pub const fn organisation(self) -> &'static str {
        match self {
            Self::Station => "Invented Station 虚构服务站",
            Self::Shop => "Invented Noodle Shop 虚构面馆",
            Self::Gate => "Invented Village Gate 虚构村口",
        }
    }

    const fn operations(self) -> &'static [OperationCode] {
        match self {
            Self::Station => &[
                OperationCode::PurseTopUp,
                OperationCode::PurseTopUpApproval,
                OperationCode::PurseStatement,
                OperationCode::SocialSecurityDispute,
                OperationCode::TransitPass,
                OperationCode::RegistrationConsent,
                OperationCode::SignIn,
            ],
            Self::Shop => &[
                OperationCode::PursePayment,
                OperationCode::PurseRefund,
                OperationCode::PurseVoid,
                OperationCode::PurseInquiry,
                OperationCode::PointsAward,
                OperationCode::PointsRedemption,
                OperationCode::PointsUndo,
            ],
            Self::Gate => &[OperationCode::GateCheck],
        }
    }
}

/// A town with everything running.
#[derive(Debug)]
pub struct Town {
    /// The service.
    pub service: Service,
    /// Its office.
    pub office: Office,
    /// The readers and cards.
    pub pcscd: Pcscd,
    daemons: BTreeMap<Place, Daemon>,
    village: SiteId,
    // Last, so that it is removed after everything in it has stopped.
    folder: TempDir,
}

impl Town {
    /// Starts a town with a terminal at every [`Place`], its service on SQLite.
    ///
    /// # Errors
    /// When any part does not get ready.
    pub fn open() -> Result<Self> {
        Self::around(0, Service::found)
    }

    /// The same with readers behind those of all places, for [`Self::validator`].
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(more_readers: usize) -> Result<Self> {
        Self::around(more_readers, Service::found)
    }

    /// The same with the service on the database with this URL.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(database_url: &str) -> Result<Self> {
        Self::around(0, |folder| Service::found_on(database_url, folder))
    }

    /// The same as [`Self::open`] with a line between the service and its terminals.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_behind_a_line() -> Result<(Self, Line)> {
        let mut between = None;
        let town = Self::around(0, |folder| {
            let (service, line) = Service::found_behind_a_line(folder)?;
            between = Some(line);
            Ok(service)
        })?;
        Ok((town, between.context("the service was founded with a line")?))
    }

    fn around(more_readers: usize, found: impl FnOnce(&Path) -> Result<Service>) -> Result<Self> {
        let mut folder = tempfile::Builder::new().prefix("town-").tempdir().context("a folder for the town")?;
        // For whoever looks into a failure.
        folder.disable_cleanup(env::var_os("TOWN_KEEP").is_some());
        let pcscd = Pcscd::start(Place::ALL.len() + more_readers)?;
        let service = found(&folder.path().join("service"))?;
        let office = service.office()?;
        office.add_organisation(Place::Gate.organisation(), "gate_site")?;
        let village = SiteId(uuid::Uuid::nil());
        let mut town = Self { service, office, pcscd, daemons: BTreeMap::new(), village, folder };
        for place in Place::ALL {
            town.enrol(place)?;
        }
        let gate = town.at(Place::Gate).terminal;
        town.village = town.office.add_site(VILLAGE, Place::Gate.organisation(), gate)?;
        Ok(town)
    }

    fn enrol(&mut self, place: Place) -> Result<()> {
        let terminal = self.office.add_terminal(place.name(), place.organisation(), place.operations())?;
        let reader = &self.pcscd.readers()[place as usize];
        let folder = self.folder.path().join(place.name());
        let daemon = Daemon::enrol(&folder, &self.service, &terminal, Some(reader), &self.pcscd.socket_path())
            .with_context(|| format!("the terminal at the {}", place.name()))?;
        self.daemons.insert(place, daemon);
        Ok(())
    }

    /// Imports a feed's archive with its supplement, as an operator does.
    ///
    /// # Errors
    /// When the service does not take them.
    pub fn import_fares(&self, archive: &[u8], supplement: &str) -> Result<()> {
        let feed = self.folder.path().join("city.zip");
        fs::write(&feed, archive)?;
        fs::write(feed.with_extension("toml"), supplement)?;
        process::run(self.service.command()?.args(["transit", "import"]).arg(&feed)).map(drop)
    }

    /// The daemon of a terminal that may do this, which sees all readers.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn daemon(&self, name: &str, operations: &[OperationCode]) -> Result<Daemon> {
        let terminal = self.office.add_terminal(name, "Invented Buses 虚构公交", operations)?;
        let folder = self.folder.path().join(name);
        Daemon::enrol(&folder, &self.service, &terminal, None, &self.pcscd.socket_path())
    }

    /// The daemon at the desk of a clinic, whose reader is the one behind those of all places.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn clinic(&self) -> Result<Daemon> {
        self.office.add_organisation(CLINIC, "clinic")?;
        let operations = [OperationCode::ClinicCheckIn, OperationCode::ClinicSettlement, OperationCode::ClinicReversal];
        let terminal = self.office.add_terminal("clinic", CLINIC, &operations)?;
        let (folder, reader) = (self.folder.path().join("clinic"), &self.pcscd.readers()[Place::ALL.len()]);
        Daemon::enrol(&folder, &self.service, &terminal, Some(reader), &self.pcscd.socket_path())
    }

    /// A vehicle's daemon, which sees all readers and works those that it is told to; its own are behind those of all places.
    ///
    /// # Errors
    /// When it does not get ready, or learns of no fares.
    pub fn validator(&self, name: &str) -> Result<Daemon> {
        let daemon = self.daemon(name, &[OperationCode::TransitValidation, OperationCode::TransitInspection])?;
        let api = daemon.local()?;
        wait::until("the validator knows the fares", || {
            Ok((!api.get("/v1/validator")?.success()?["tariff"].is_null()).then_some(()))
        })?;
        Ok(daemon)
    }

    /// The daemon at a place.
    pub fn at(&mut self, place: Place) -> &mut Daemon {
        self.daemons.get_mut(&place).expect("every place has a daemon")
    }

    /// Puts a card on the reader at a place and waits until the daemon there has seen it.
    ///
    /// # Errors
    /// When the reader is taken.
    pub fn put(&mut self, card: &Path, place: Place) -> Result<()> {
        self.pcscd.insert(place as usize, card)?;
        self.until_present(place, true)
    }

    /// Takes the card off the reader at a place and waits until the daemon there has seen it.
    ///
    /// # Errors
    /// When there is no card.
    pub fn take(&mut self, place: Place) -> Result<()> {
        self.pcscd.cards().remove(place as usize)?;
        self.until_present(place, false)
    }

    /// Takes a card from one place to another.
    ///
    /// # Errors
    /// As [`Self::take`] and [`Self::put`].
    pub fn carry(&mut self, card: &Path, from: Place, to: Place) -> Result<()> {
        self.take(from)?;
        self.put(card, to)
    }

    fn until_present(&mut self, place: Place, present: bool) -> Result<()> {
        let daemon = self.at(place).local()?;
        wait::until("the daemon sees the card come or go", || {
            let status = daemon.get("/v1/status")?.success()?;
            let seen = status["readers"]
                .as_array()
                .is_some_and(|readers| readers.iter().any(|reader| reader["card_present"] == json!(true)));
            Ok((seen == present).then_some(()))
        })
    }

    /// Asks for a tap at a place first and puts the card on the reader then. Answers what the daemon replied.
    ///
    /// # Errors
    /// When the daemon refuses before the card signs.
    pub fn tap_on_arrival(&mut self, card: &Path, place: Place, request: &Value) -> Result<Value> {
        let daemon = self.at(place).local()?;
        thread::scope(|scope| {
            let tap = scope.spawn(|| daemon.post("/v1/taps", request));
            self.pcscd.insert(place as usize, card)?;
            tap.join().expect("the tap's thread does not panic")?.success()
        })
    }

    /// Lets somebody who has a card pass at the village gate, at any time, and waits until the gate knows.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn let_pass(&mut self, holder: HolderId) -> Result<()> {
        let rights = |gate: &Client| -> Result<Option<u64>> {
            gate.post("/v1/outbox/retry", &Value::Null)?.success()?;
            Ok(gate.get("/v1/validator")?.success()?["gate"]["rights"].as_u64())
        };
        let gate = self.at(Place::Gate).local()?;
        let before = wait::until("the gate knows something", || rights(&gate))?;
        self.office.let_pass(holder, self.village)?;
        wait::until("the gate knows of one more", || Ok(rights(&gate)?.filter(|rights| *rights > before)))?;
        Ok(())
    }

    /// Registers somebody who gets a card with so many fen on it. Answers the card; it is in no reader.
    ///
    /// # Errors
    /// When the registration, the issuance or the top-up fails.
    pub fn holder_with_money(&mut self, name: &str, document: &str, pin: &str, fen: i64) -> Result<PathBuf> {
        let card = self.pcscd.new_card(document)?;
        self.put(&card, Place::Station)?;
        let holder = self.office.register(name, document)?;
        self.issue(holder, pin)?;
        self.top_up(fen)?;
        self.take(Place::Station)?;
        Ok(card)
    }

    /// Puts cash on the card that is at the station. Answers how much is on it then, in fen.
    ///
    /// # Errors
    /// When the service does not accept it, or not in time.
    pub fn top_up(&mut self, fen: i64) -> Result<i64> {
        let top_up = json!({"operation": "purse.top_up", "amount_fen": fen, "receipt_wait_ms": 10_000});
        let reply = self.at(Place::Station).tap(&top_up)?.0;
        reply["balance_fen"].as_i64().with_context(|| format!("no balance in {reply}"))
    }

    /// Issues the card that is in the station's reader, with the holder at the desk answering every question with `pin`.
    ///
    /// # Errors
    /// When the issuance fails.
    pub fn issue(&mut self, holder: HolderId, pin: &str) -> Result<NewCard> {
        let (card, state) = self.issue_while(holder, pin, |_| Ok(()))?;
        ensure!(state == "finished", "the issuance ended as {state}: {}", self.office.issuance(card)?);
        Ok(card)
    }

    /// Issues a card as [`Self::issue`] does, and lets `meanwhile` do something to the town again and again until it is
    /// over. Answers how it ended, `finished` or `failed`.
    ///
    /// # Errors
    /// When it does not end.
    pub fn issue_while(
        &mut self,
        holder: HolderId,
        pin: &str,
        mut meanwhile: impl FnMut(&Self) -> Result<()>,
    ) -> Result<(NewCard, String)> {
        let terminal = self.at(Place::Station).terminal;
        let card = self.office.issue_card(holder, terminal)?;
        wait::until("the issuance is over", || {
            meanwhile(self)?;
            self.daemons[&Place::Station].answer_prompts(pin)?;
            let issuance = self.office.issuance(card)?;
            let state = issuance["state"].as_str().context("an issuance has a state")?;
            Ok(matches!(state, "finished" | "failed").then(|| (card, state.to_owned())))
        })
    }

    /// The town's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
