//! The people of the office: a clerk and an administrator in one, at the service's public API.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use card_schema::{
    date::Date,
    ids::{CardId, HolderId, SiteId, TerminalId},
    operation::OperationCode,
};
use serde_json::{Value, json};

use crate::{authenticator, clock, http::Client, town::Place, wait};

/// Somebody of the office who has signed in.
#[derive(Clone, Debug)]
pub struct Office {
    api: Client,
}

/// A terminal that may be enrolled once.
#[derive(Clone, Debug)]
pub struct NewTerminal {
    /// Its id.
    pub id: TerminalId,
    /// The one-time code.
    pub code: String,
}

/// A card that is being issued.
#[derive(Clone, Copy, Debug)]
pub struct NewCard {
    /// The card.
    pub id: CardId,
    /// The issuance, for [`Office::issuance`].
    pub issuance: uuid::Uuid,
}

fn field<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Result<T> {
    serde_json::from_value(value[name].clone()).with_context(|| format!("no usable `{name}` in {value}"))
}

impl Office {
    /// Signs in with name and password, and with a code where somebody has an authenticator. Whose role needs one sets it up.
    ///
    /// # Errors
    /// When the service does not let in.
    pub fn sign_in(url: &str, root: &Path, name: &str, password: &str) -> Result<Self> {
        let client = Client::new(url, Some(root))?;
        let mut shown = json!({"name": name, "password": password});
        if let Some(code) = authenticator::code(url, name)? {
            shown["code"] = code.into();
        }
        let session = client.post("/v1/sessions", &shown)?.success()?;
        let api = client.with_token(&field::<String>(&session, "token")?);
        if session["owes"] == "second_factor" {
            authenticator::enrol(&api, name)?;
        }
        Ok(Self { api })
    }

    /// Adds a member of staff, who signs in with the first password and chooses another one.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn add_staff(&self, root: &Path, (name, password): (&str, &str), role: &str) -> Result<Self> {
        let added = self.api.post("/v1/staff", &json!({"name": name, "role": role}))?.success()?;
        let first: String = field(&added, "first_password")?;
        let them = Self::sign_in(self.api.base(), root, name, &first)?;
        let chosen = password.replace(' ', "+");
        let changed = them.api.visit("/account/password", Some(&format!("new={chosen}&repeated={chosen}")))?;
        ensure!(changed.status == 303, "the password was answered with {}", changed.status);
        // What is owed besides is seen at the next sign-in.
        Self::sign_in(self.api.base(), root, name, password)
    }

    /// Sends a spreadsheet and waits until its rows are looked at: the path of its page.
    ///
    /// # Errors
    /// When it is refused as a whole, or the work on it does not end in time.
    pub fn send_sheet(&self, sheet: &[u8], patience: Duration) -> Result<String> {
        let sent = self.api.send_file("/imports", "sheet", sheet)?;
        let import = sent.location.with_context(|| format!("the sheet was answered with {}", sent.status))?;
        self.until_idle(&import, patience)?;
        Ok(import)
    }

    /// Registers the rows of a sheet that are in order, and waits until that is done.
    ///
    /// # Errors
    /// When the work on it does not end in time.
    pub fn register_sheet(&self, import: &str, patience: Duration) -> Result<()> {
        let answer = self.api.visit(import, Some("what=good"))?;
        ensure!(answer.status == 303, "registering was answered with {}", answer.status);
        self.until_idle(import, patience)
    }

    fn until_idle(&self, import: &str, patience: Duration) -> Result<()> {
        wait::within(patience, "the work on the sheet is over", || {
            let page = self.api.visit(import, None)?;
            ensure!(page.status == 200, "{import} answered {}", page.status);
            Ok((!String::from_utf8_lossy(&page.body).contains("hx-sse:connect")).then_some(()))
        })
    }

    /// The API as this person, for what has no method here.
    pub fn api(&self) -> &Client {
        &self.api
    }

    /// Takes a terminal into the books.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn add_terminal(&self, name: &str, organisation: &str, operations: &[OperationCode]) -> Result<NewTerminal> {
        let body = json!({"name": name, "organisation": organisation, "operations": operations});
        let terminal = self.api.post("/v1/terminals", &body)?.success()?;
        Ok(NewTerminal { id: field(&terminal, "terminal_id")?, code: field(&terminal, "enrolment_code")? })
    }

    /// Has a place take part in a new programme of an invented street: a point for each yuan, for a year; a hundred take off
    /// half a yuan. Its terminals hear of it when they next ask.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn give_points(&self, place: Place) -> Result<()> {
        let today = clock::today()?;
        let until = Date::from_days(today.days() + 365).context("a day")?;
        let sent = self.api.visit(
            "/points/new",
            Some("name=Invented+Street&reach=street&validity=12&worth_points=100&worth_yuan=0.50&day_most=&below_zero=yes"),
        )?;
        let programme = sent.location.with_context(|| format!("the programme was answered with {}", sent.status))?;
        let rule = format!("act=add_rule&rule_points=1&rule_per=1&rule_from={today}&rule_until={until}&rule_category=");
        let shop = place.organisation().replace(' ', "+");
        for form in [rule, format!("act=join&join_name={shop}&join_category=5812")] {
            let answer = self.api.visit(&programme, Some(&form))?;
            ensure!(answer.status == 303, "{form} was answered with {}", answer.status);
        }
        Ok(())
    }

    /// Adds an organisation of a kind.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn add_organisation(&self, name: &str, kind: &str) -> Result<()> {
        let form = format!("name={}&kind={kind}", name.replace(' ', "+"));
        let added = self.api.visit("/organisations/new", Some(&form))?;
        ensure!(added.status == 303, "the organisation was answered with {}", added.status);
        Ok(())
    }

    /// Adds a site of an organisation that runs gates, and puts a gate there.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn add_site(&self, name: &str, organisation: &str, gate: TerminalId) -> Result<SiteId> {
        let [name, organisation] = [name, organisation].map(|name| name.replace(' ', "+"));
        let form = format!("name={name}&kind=village&organisation={organisation}");
        let added = self.api.visit("/gates/new", Some(&form))?;
        let page = added.location.with_context(|| format!("the site was answered with {}", added.status))?;
        let put = self.api.visit(&page, Some(&format!("act=put&put={gate}")))?;
        ensure!(put.status == 303, "the gate was answered with {}", put.status);
        page.rsplit('/').next().and_then(|id| id.parse().ok()).with_context(|| format!("{page} is no site's page"))
    }

    /// Lets somebody pass at a site, at any time for a year.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn let_pass(&self, holder: HolderId, site: SiteId) -> Result<()> {
        let today = clock::today()?;
        let last = Date::from_days(today.days() + 365).context("a day")?;
        let days = (1..=7).map(|day| format!("day_{day}=yes")).collect::<Vec<_>>().join("&");
        let form = format!(
            "step=grant&site={site}&reason=lives&first={today}&last={last}&{days}&from_time=00:00&until_time=24:00"
        );
        let granted = self.api.visit(&format!("/holders/{holder}/gates/new"), Some(&form))?;
        ensure!(granted.status == 303, "letting somebody pass was answered with {}", granted.status);
        Ok(())
    }

    /// Registers a newcomer. The name and number are the caller's invention.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn register(&self, name: &str, document_number: &str) -> Result<HolderId> {
        let body = json!({
            "name": name,
            "document_kind": "resident_identity_card",
            "document_number": document_number,
            "address": "测试路 1 号",
            "address_since": "2026-03-01",
            "home": "rented",
            "purpose": "registration",
        });
        field(&self.api.post("/v1/holders", &body)?.success()?, "holder_id")
    }

    /// Has a card issued at the reader of a terminal; its holder reads Chinese.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn issue_card(&self, holder: HolderId, terminal: TerminalId) -> Result<NewCard> {
        let body = json!({"holder_id": holder, "language": "zh-CN", "terminal_id": terminal});
        let card = self.api.post("/v1/cards", &body)?.success()?;
        Ok(NewCard { id: field(&card, "card_id")?, issuance: field(&card, "issuance_id")? })
    }

    /// How far an issuance is.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn issuance(&self, card: NewCard) -> Result<Value> {
        self.api.get(&format!("/v1/issuances/{}", card.issuance))?.success()
    }

    /// Suspends, blocks or reactivates a card.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn set_card_state(&self, card: CardId, state: &str, reason: &str) -> Result<()> {
        let body = json!({"state": state, "reason": reason});
        self.api.put(&format!("/v1/cards/{card}/state"), &body)?.success().map(drop)
    }
}
