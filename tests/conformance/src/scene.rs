//! A town, and what good requests to its service need: things that exist, a terminal's certificate, a code that is not used.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use card_schema::envelope::batch::Batch;
use card_schema::operation::OperationCode;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use reader_daemon::identity::{Identity, key_path};
use serde_json::{Value, json};
use town::{Place, Town, wait};

const PIN: &str = "731945";

/// A town and what is known of it.
#[derive(Debug)]
pub(crate) struct Scene {
    /// The administrator's bearer token.
    pub(crate) token: String,
    /// The certificate of a terminal whose daemon does not run, and its key, PEM.
    pub(crate) terminal: (PathBuf, PathBuf),
    /// Base URLs of both listeners.
    pub(crate) public_url: String,
    pub(crate) terminals_url: String,
    pub(crate) examples: Examples,
    /// Stops with the scene.
    pub(crate) town: Town,
}

/// Values with which requests are carried out.
#[derive(Debug)]
pub(crate) struct Examples {
    /// By the name of a parameter in the path.
    pub(crate) parameters: Vec<(&'static str, Value)>,
    /// By method and path.
    pub(crate) bodies: Vec<(&'static str, &'static str, Value)>,
}

impl Scene {
    pub(crate) fn open() -> Result<Self> {
        let mut town = Town::open()?;
        let holder = town.office.register("测试壬 Test Holder", "110000199001010275")?;
        let chip = town.pcscd.new_card("asked-about")?;
        town.put(&chip, Place::Station)?;
        let card = town.issue(holder, PIN)?;
        town.take(Place::Station)?;
        let interrupted = interrupted_issuance(&mut town)?;

        // From here on this terminal is ours: a barrier's and a gate's.
        let (archive, supplement) = fares::archive("caps")?;
        town.import_fares(&archive, &supplement)?;
        let mut barrier = town.daemon("barrier", &[OperationCode::TransitValidation, OperationCode::GateCheck])?;
        barrier.process().stop()?;
        let (terminal_id, data) = (barrier.terminal, barrier.data());
        let identity = Identity::load(&data)?;
        let terminal = as_pem(&identity, &data)?;
        let batch = Batch { terminal: terminal_id, at: reader_daemon::clock::now(), taps: Vec::new() };
        let batch = BASE64_URL_SAFE_NO_PAD.encode(identity.key.seal(&batch)?.1);
        let renewal = BASE64_URL_SAFE_NO_PAD.encode(identity.request()?);
        // The first job that waits for it is never touched; the second is what observations are about.
        town.office.issue_card(holder, terminal_id)?;
        let job = town.office.issue_card(holder, terminal_id)?.issuance;

        let idle = town.office.add_terminal("idle", "Invented Shop 虚构商店", &[OperationCode::GateCheck])?;
        let fresh = town.office.add_terminal("fresh", "Invented Shop 虚构商店", &[OperationCode::GateCheck])?;
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let csr = BASE64_URL_SAFE_NO_PAD.encode(CertificateParams::default().serialize_request(&pair)?.der());

        // The administrator's code works once; somebody without a second factor signs in again and again.
        let asker = ("asker", "invented for who asks");
        town.office.add_staff(&town.service.root(), asker, "clerk")?;
        let credentials = json!({"name": asker.0, "password": asker.1});
        let office = town.service.office()?;
        let token = office.api().token().context("a session has a token")?.to_owned();
        wait::until("a checkpoint is signed", || {
            Ok((town.office.api().get("/checkpoint")?.status == 200).then_some(()))
        })?;

        let examples = Examples {
            parameters: vec![
                ("card_id", json!(card.id)),
                ("holder_id", json!(holder)),
                ("issuance_id", json!(interrupted)),
                ("job_id", json!(job)),
                ("terminal_id", json!(idle.id)),
            ],
            bodies: vec![
                ("post", "/v1/sessions", credentials),
                ("post", "/v1/staff", json!({"name": "asked", "role": "clerk"})),
                (
                    "post",
                    "/v1/holders",
                    json!({
                        "name": "测试癸 Test Newcomer", "purpose": "registration",
                        "document_kind": "passport",
                        "document_number": "T12345678",
                        "birth": "1990-01-01",
                        "address": "测试路 1 号",
                        "address_since": "2026-03-01",
                        "home": "rented",
                    }),
                ),
                ("post", "/v1/holders/{holder_id}/reads", json!({"purpose": "holder_request", "fields": ["name"]})),
                ("post", "/v1/cards", json!({"holder_id": holder, "language": "en", "terminal_id": terminal_id})),
                ("put", "/v1/cards/{card_id}/state", json!({"state": "suspended", "reason": "invented for a test"})),
                ("post", "/v1/enrolments", json!({"code": fresh.code, "csr": csr})),
                ("post", "/v1/certificates", json!({"csr": renewal})),
                ("post", "/v1/batches", json!({"batch": batch})),
                (
                    "post",
                    "/v1/jobs/{job_id}/observations",
                    json!({
                        "number": 0, "observation": {"observation": "card_removed"},
                    }),
                ),
            ],
        };
        let (public_url, terminals_url) = (town.service.url().to_owned(), identity.file.terminal_url);
        Ok(Self { token, terminal, public_url, terminals_url, examples, town })
    }
}

/// An issuance whose holder has walked away, so that it can be taken up again.
fn interrupted_issuance(town: &mut Town) -> Result<uuid::Uuid> {
    let holder = town.office.register("测试子 Test Walker", "110000199001010320")?;
    let chip = town.pcscd.new_card("interrupted")?;
    town.put(&chip, Place::Station)?;
    let station = town.at(Place::Station);
    let (terminal, desk) = (station.terminal, station.local()?);
    let card = town.office.issue_card(holder, terminal)?;
    wait::until("the holder declines", || {
        for prompt in desk.get("/v1/prompts?wait_s=0")?.success()?.as_array().into_iter().flatten() {
            if prompt["kind"] == "new_pin" {
                let id = prompt["id"].as_str().context("a prompt has an id")?;
                desk.post(&format!("/v1/prompts/{id}"), &json!({"pin": null, "confirm": false}))?;
            }
        }
        Ok((town.office.issuance(card)?["waiting_for"] == "resume").then_some(()))
    })?;
    Ok(card.issuance)
}

/// Certificate chain and key beside the originals, as Python's TLS reads them.
fn as_pem(identity: &Identity, data: &Path) -> Result<(PathBuf, PathBuf)> {
    let pem = |label: &str, der: &[u8]| {
        let lines = BASE64_STANDARD.encode(der).into_bytes();
        let lines: Vec<_> = lines.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let chain = std::iter::once(&identity.file.certificate).chain(&identity.file.chain);
    let chain: String = chain.map(|certificate| pem("CERTIFICATE", &certificate.0)).collect();
    let key = pem("PRIVATE KEY", &fs::read(key_path(data))?);
    let files = (data.join("chain.pem"), data.join("key.pem"));
    fs::write(&files.0, chain)?;
    fs::write(&files.1, key)?;
    Ok(files)
}
