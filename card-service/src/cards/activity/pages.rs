//! The page of a receipt: what its square code leads to. Whoever holds the receipt sees what the service has of that tap, and the
//! proof that the log has it; nothing of card and holder.

use std::net::SocketAddr;

use askama::Template;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use card_schema::envelope::receipt::Outcome;
use card_schema::money::Fen;
use card_schema::wire::{ProblemType, RECEIPTS, ReceiptName};

use super::store::{self, Activity};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::model::Tone;
use crate::console::page;
use crate::console::view::{Tag, minute, operation_text};
use crate::evidence::LeafRef;
use crate::evidence::audit::{self, Inclusion, NotIncluded};
use crate::http::{Refusal, language};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [("/receipts/{receipt}", get(show)), ("/receipts/{receipt}/proof", get(proof))]
}

/// A tap and what the log has of it; no proof where it has no place in a signed tree yet.
struct Scene {
    tap: Activity,
    inclusion: Option<Inclusion>,
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/receipt.html")]
struct ReceiptPage {
    frame: Frame,
    state: Tag,
    logged: Tag,
    facts: Vec<(String, String)>,
    /// Where the proof is given away.
    proof: Option<String>,
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "receipt-unknown")
}

async fn load(app: &App, peer: SocketAddr, receipt: &str) -> Result<(ReceiptName, Scene), Refusal> {
    if !app.check_limits.allow(peer.ip()) {
        return Err(Refusal::because(ProblemType::TooManyRequests, "receipt-too-many"));
    }
    let receipt: ReceiptName = receipt.parse().map_err(|_| unknown())?;
    let leaf = LeafRef::of(receipt.recorded).ok_or_else(unknown)?;
    let mut connection = app.db.read().await?;
    let tap = store::of_receipt(&mut connection, &receipt).await?.ok_or_else(unknown)?;
    let inclusion = match audit::prove_leaf(&mut connection, leaf).await.map_err(Refusal::internal)? {
        Some(Ok(inclusion)) => Some(inclusion),
        Some(Err(NotIncluded::NotSignedYet)) => None,
        // Nobody is told that all is well.
        Some(Err(NotIncluded::Altered)) | None => {
            tracing::error!(shard = leaf.shard.0, leaf = leaf.leaf_id, "a tap is not in the log as it was recorded");
            return Err(Refusal::new(ProblemType::Internal));
        }
    };
    Ok((receipt, Scene { tap, inclusion }))
}

fn receipt_page(frame: Frame, receipt: &ReceiptName, scene: &Scene) -> ReceiptPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let yuan = |amount: Fen| locale.text_with("reversal-yuan", &[("amount", &amount.to_string())]);
    let Scene { tap, inclusion } = scene;
    let (terminal, organisation) =
        tap.terminal.clone().unwrap_or_else(|| (t("console-unknown-terminal"), "–".to_owned()));
    let mut facts = vec![(t("receipt-what"), operation_text(locale, tap.operation))];
    facts.extend(tap.amount.map(|amount| (t("receipt-amount"), yuan(amount))));
    if tap.reversed > Fen::ZERO {
        facts.push((t("receipt-returned"), yuan(tap.reversed)));
    }
    facts.extend([
        (t("terminal-organisation"), organisation),
        (t("console-col-place"), terminal),
        (t("console-col-time"), minute(tap.place.at)),
    ]);
    let logged = match inclusion {
        Some(inclusion) => {
            let place = [("index", inclusion.index.to_string()), ("size", inclusion.size.to_string())];
            let place = place.each_ref().map(|(name, number)| (*name, number.as_str()));
            facts.extend([
                (t("receipt-place"), locale.text_with("receipt-place-is", &place)),
                (t("receipt-signed"), minute(inclusion.signed_at)),
                (t("receipt-root"), inclusion.root.clone()),
            ]);
            Tag { text: t("receipt-logged"), tone: Tone::Ok }
        }
        None => Tag { text: t("receipt-logged-soon"), tone: Tone::Wait },
    };
    ReceiptPage {
        state: Tag {
            text: t(&format!("console-outcome-{}", tap.outcome)),
            tone: Tone::of_outcome(Outcome::from_number(tap.outcome)),
        },
        logged,
        facts,
        proof: inclusion.is_some().then(|| format!("{RECEIPTS}/{receipt}/proof")),
        frame,
    }
}

async fn show(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(receipt): Path<String>,
) -> Result<Response, Refusal> {
    let (receipt, scene) = load(&app, peer, &receipt).await?;
    page(&receipt_page(Frame::new(language(&headers), format!("{RECEIPTS}/{receipt}"), None), &receipt, &scene))
}

async fn proof(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(receipt): Path<String>,
) -> Result<Response, Refusal> {
    let (receipt, scene) = load(&app, peer, &receipt).await?;
    let inclusion = scene.inclusion.ok_or_else(|| Refusal::because(ProblemType::Conflict, "receipt-not-signed-yet"))?;
    let name = format!("attachment; filename=\"receipt-{}.json\"", receipt.recorded.leaf);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(inclusion)).into_response())
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::envelope::receipt::Recorded;
    use card_schema::ids::{CardId, Shard, TapId};
    use card_schema::operation::OperationCode;

    use super::*;
    use crate::cards::activity::Place;

    /// The page in every state that it has.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        const AT: Micros = Micros(1_790_000_000_000_000);
        let receipt = ReceiptName { recorded: Recorded { shard: Shard(3), leaf: 5 }, tap: TapId([7; 32]) };
        let inclusion = Inclusion {
            leaf_body: "00".repeat(40),
            index: 48_200,
            size: 48_213,
            root: "0af5".repeat(16),
            proof: vec!["17".repeat(32)],
            checkpoint: "log.test.invalid".to_owned(),
            signed_at: AT,
        };
        let scene = |outcome: Outcome, reversed, inclusion| Scene {
            tap: Activity {
                place: Place { received_at: AT, at: AT, tap_id: [7; 32] },
                tap: 5,
                settled: None,
                card: CardId::new(1204, Shard(3), [7; 16]),
                operation: Some(OperationCode::PursePayment),
                outcome: outcome.number(),
                amount: Some(Fen(1_250)),
                reversed: Fen(reversed),
                points: None,
                terminal: Some(("收银台 2".to_owned(), "测试超市".to_owned())),
            },
            inclusion,
        };
        let table = [
            ("booked", scene(Outcome::Accepted, 0, Some(inclusion.clone()))),
            ("returned", scene(Outcome::Accepted, 250, Some(inclusion.clone()))),
            ("held", scene(Outcome::Quarantined, 0, Some(inclusion))),
            ("soon", scene(Outcome::Accepted, 0, None)),
        ];
        let page = |scene: &Scene| {
            let page = receipt_page(frame.clone(), &receipt, scene).render().unwrap();
            assert!(!page.contains(&scene.tap.card.to_string()[..8]), "a receipt names no card: {page}");
            page
        };
        table.iter().map(|(name, scene)| (format!("receipt-{name}"), page(scene))).collect()
    }
}
