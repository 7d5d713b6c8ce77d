//! How long the desk of a clinic waits to be told whether somebody who has checked in is covered: asked over mutual TLS, of people who are
//! insured, drawn among all of a city.

use std::{fs, time::Instant};

use anyhow::{Context, Result, anyhow, ensure};
use card_schema::{
    card::Slot,
    coverage::Benefit,
    envelope::{
        Envelope,
        receipt::{Outcome, Receipt},
    },
    ids::{CardId, OrganisationId, TapId},
    operation::{Operation, OperationCode, clinic::CheckIn},
    wire::clinic::VisitRequest,
};
use card_service::{
    cards,
    db::{Db, DbError, query},
};
use reader_daemon::{cli::messages::Language, enrol, identity::Identity, submit::client::ServiceClient};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use tempfile::TempDir;
use town::{office::Office, service::Service};
use uuid::Uuid;

use crate::{
    console::city::Resident,
    figure::Report,
    intake::{
        installation::now,
        load::{Chain, Signer, batch},
    },
    percentile,
};

/// Invented.
const CLINIC: &str = "Invented Clinic";
/// How many people check in.
const PATIENTS: usize = 500;
/// Taps in a batch.
const BATCH: usize = 50;
/// How often each is asked about.
const ROUNDS: usize = 4;

/// People whose cards somebody holds.
pub(crate) type Patients = Vec<(CardId, Signer)>;

/// Gives some residents, spread over all, cards that can check in.
pub(crate) async fn patients(db: &Db, residents: &[Resident]) -> Result<Patients> {
    let every = residents.len().div_ceil(PATIENTS).max(1);
    let (mut patients, mut keys) = (Patients::new(), Vec::new());
    for resident in residents.iter().step_by(every) {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let signer = Signer::read(pkcs8.map_err(|_| anyhow!("no key"))?.as_ref())?;
        keys.push((resident.card, signer.public()?));
        patients.push((resident.card, signer));
    }
    let at = now()?;
    let added = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock(keys.iter().map(|(card, _)| card.shard())).await?;
            for (card, key) in keys {
                cards::store::add_key(tx, at, card, Slot::SignIn, &key).await?;
            }
            Ok(())
        })
    });
    added.await?;
    Ok(patients)
}

/// The desk of a clinic, in a service that runs.
pub(crate) struct Desk {
    identity: Identity,
    key: Signer,
    // Removed with it.
    _folder: TempDir,
}

impl Desk {
    pub(crate) fn open(service: &Service, office: &Office) -> Result<Self> {
        office.add_organisation(CLINIC, "clinic")?;
        let terminal = office.add_terminal("desk of a clinic", CLINIC, &[OperationCode::ClinicCheckIn])?;
        let folder = tempfile::Builder::new().prefix("bench-clinic-").tempdir()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let home = folder.path().join("daemon");
        runtime.block_on(enrol::enrol(&home, service.url(), &terminal.code, &service.root(), "en"))?;
        let clinic: Vec<u8> = runtime.block_on(async {
            let db = Db::look(service.database_url()).await?;
            let of = query("SELECT organisation_id FROM organisation WHERE name = $1").bind(CLINIC);
            let clinic = of.scalar_one(&mut db.read().await?).await;
            db.close().await;
            clinic
        })?;
        let page = format!("/clinics/{}", OrganisationId(Uuid::from_slice(&clinic)?));
        let graded = office.api().visit(&page, Some("act=level&level=community"))?;
        ensure!(graded.status == 303, "{}: {}", graded.status, String::from_utf8_lossy(&graded.body));
        let key = Signer::read(&fs::read(reader_daemon::identity::key_path(&home))?)?;
        Ok(Self { identity: Identity::load(&home)?, key, _folder: folder })
    }

    /// Has everybody check in, and asks about each.
    pub(crate) fn measure(&self, patients: &Patients, report: &mut Report) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = ServiceClient::new(&self.identity)?;
        let mut taken = Vec::with_capacity(patients.len() * ROUNDS);
        runtime.block_on(async {
            let visits = self.check_in(&client, patients).await?;
            for (card_id, tap_id) in visits.iter().cycle().take(visits.len() * ROUNDS) {
                let request = VisitRequest { card_id: *card_id, tap_id: *tap_id };
                let began = Instant::now();
                let told = client.visit(&request, Language::En).await.map_err(|error| anyhow!("{error}"))?;
                taken.push(began.elapsed().as_secs_f64() * 1_000.0);
                ensure!(told.standing.is_covered(), "somebody who is insured is not covered");
            }
            Ok(())
        })?;
        report.figure("eligibility_ms_p95", percentile(&mut taken, 95), "ms", Some(5.0));
        Ok(())
    }

    async fn check_in(&self, client: &ServiceClient, patients: &Patients) -> Result<Vec<(CardId, TapId)>> {
        let mut chain = Chain::new(self.identity.file.terminal_id, 1);
        let operation = Operation::ClinicCheckIn(CheckIn { benefit: Benefit::Outpatient });
        let mut visits = Vec::with_capacity(patients.len());
        for some in patients.chunks(BATCH) {
            let taps = some.iter().map(|card| chain.tap(card, (Slot::SignIn, operation.clone())));
            let request = batch(self.identity.file.terminal_id, &self.key, taps.collect::<Result<_>>()?)?;
            let reply = client.batch(&request).await.map_err(|error| anyhow!("{error}"))?;
            let receipt = Envelope::<Receipt>::decode(&reply.receipt.0).context("a receipt")?.payload;
            for (outcome, (card, _)) in receipt.outcomes.iter().zip(some) {
                ensure!(outcome.outcome == Outcome::Accepted, "a check-in came to {:?}", outcome.outcome);
                visits.push((*card, outcome.tap));
            }
        }
        Ok(visits)
    }
}
