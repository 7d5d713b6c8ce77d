//! One tap of this terminal: its receipt for the holder's hand, and giving a payment back. What is offered is what this
//! terminal knows; what may be done, the service decides.

use axum::{
    Form, Router,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use card_schema::{
    clock::Micros,
    envelope::receipt::Outcome,
    ids::TapId,
    money::Fen,
    operation::{Operation, OperationCode, points::Undo, purse},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    book::{Receipt, Refund, code},
    counter::{Filled, ordered, read_amount},
    language,
    seen::look,
    taps::failed,
    view::html,
    wrong::Wrong,
};
use crate::{
    cli::{messages::CliError, messages_daemon as messages, messages_local},
    clock,
    local::{api::App, guard, wire::View},
    outbox::{Fate, Returned},
    tap::Knowledge,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/counter/taps/{tap}", get(receipt))
        .route("/counter/taps/{tap}/refund", get(ask_refund).post(refund))
        .route("/counter/taps/{tap}/void", post(take_back))
}

/// What a merchant may do about a tap, as far as this terminal knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// How much is left to refund.
    pub(super) refund: Option<Fen>,
    /// Whether all of it may be undone.
    pub(super) void: bool,
    /// Whether points may be undone that were given for a purchase or taken for goods.
    pub(super) undo: bool,
    /// Whether it may be, but for the network.
    pub(super) needs_network: bool,
}

/// Looks at a tap of which so much has gone back already, or that was undone.
fn offer(tap: &Fate, returned: Fen, is_undone: bool, known: &Knowledge, now: Micros) -> Offer {
    if matches!(tap.operation, OperationCode::PointsAward | OperationCode::PointsRedemption) {
        let profile = &known.profile;
        let undo = tap.outcome == Some(Outcome::Accepted)
            && tap.points.is_some_and(|points| points != 0)
            && !is_undone
            && profile.operations.contains(&OperationCode::PointsUndo)
            && profile.limits.refunds.allows_refund(now.distance(tap.at));
        let needs_network = undo && known.decides_alone();
        return Offer { undo: undo && !needs_network, needs_network, ..Offer::default() };
    }
    let amount = tap.amount.unwrap_or_default();
    let left = amount.checked_sub(returned).filter(|left| *left > Fen::ZERO);
    let (OperationCode::PursePayment, Some(Outcome::Accepted), Some(left)) = (tap.operation, tap.outcome, left) else {
        return Offer::default();
    };
    let profile = &known.profile;
    let (limits, age_us) = (profile.limits.refunds, now.distance(tap.at));
    let may = |code| profile.operations.contains(&code);
    let refund = may(OperationCode::PurseRefund) && limits.allows_refund(age_us);
    let void = may(OperationCode::PurseVoid) && returned == Fen::ZERO && limits.allows_void(age_us);
    if known.decides_alone() {
        return Offer { needs_network: refund || void, ..Offer::default() };
    }
    Offer { refund: refund.then_some(left), void, ..Offer::default() }
}

/// A tap with what this terminal knows of it.
struct Scene {
    tap: Fate,
    returned: Returned,
    offer: Offer,
}

async fn load(app: &App, tap: &str) -> Result<Scene, CliError> {
    let id: TapId = tap.parse().map_err(|_| messages_local::no_such_tap())?;
    let read = async {
        Ok(match app.outbox.fate(id).await? {
            Some(tap) => Some((tap, app.outbox.returned(id).await?, app.outbox.is_undone(id).await?)),
            None => None,
        })
    };
    let (tap, returned, is_undone) =
        read.await.map_err(|error| messages::outbox(&error))?.ok_or_else(messages_local::no_such_tap)?;
    let offer = offer(&tap, returned.all(), is_undone, &app.known.now(), clock::now());
    Ok(Scene { tap, returned, offer })
}

/// The receipt, with why nothing was begun.
fn receipt_of(app: &App, headers: &HeaderMap, scene: &Scene, wrong: Option<&Wrong>) -> Response {
    let language = language(headers);
    let wrong = wrong.map(|wrong| wrong.text(language));
    let profile = &app.known.now().profile;
    let page = Receipt {
        language,
        seen: &look(app, View::Counter),
        profile,
        code: code(profile, &scene.tap),
        tap: &scene.tap,
        returned: scene.returned.settled,
        offer: scene.offer,
        id: guard::random_id(),
        wrong: wrong.as_deref(),
    };
    html(&page).into_response()
}

async fn receipt(State(app): State<App>, Path(tap): Path<String>, headers: HeaderMap) -> Response {
    match load(&app, &tap).await {
        Ok(scene) => receipt_of(&app, &headers, &scene, None),
        Err(error) => failed(&app, language(&headers), error),
    }
}

/// The form for a refund, with what was typed and what is wrong with it; the receipt where nothing may be refunded.
fn form(app: &App, headers: &HeaderMap, scene: &Scene, typed: &str, wrong: Option<&Wrong>) -> Response {
    let Some(left) = scene.offer.refund else { return receipt_of(app, headers, scene, wrong) };
    let language = language(headers);
    let wrong = wrong.map(|wrong| wrong.text(language));
    let (seen, id) = (look(app, View::Counter), guard::random_id());
    html(&Refund { language, seen: &seen, tap: &scene.tap, left, id, typed, wrong: wrong.as_deref() }).into_response()
}

async fn ask_refund(State(app): State<App>, Path(tap): Path<String>, headers: HeaderMap) -> Response {
    match load(&app, &tap).await {
        Ok(scene) => {
            let left = scene.offer.refund.map(|left| left.to_string());
            form(&app, &headers, &scene, &left.unwrap_or_default(), None)
        }
        Err(error) => failed(&app, language(&headers), error),
    }
}

const fn original(tap: &Fate) -> purse::Original {
    purse::Original { tap: tap.tap_id, at: tap.at }
}

async fn refund(
    State(app): State<App>,
    Path(tap): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Filled>,
) -> Response {
    let scene = match load(&app, &tap).await {
        Ok(scene) => scene,
        Err(error) => return failed(&app, language(&headers), error),
    };
    // What was sent before is counted in what went back.
    let is_new = app.counter.find(typed.id).is_none() && matches!(app.counter.before(typed.id).await, Ok(None));
    let begun = match (read_amount(&typed.amount), scene.offer.refund) {
        (Err(wrong), _) => Err(wrong),
        (Ok(amount), Some(left)) if is_new && amount > left => Err(Wrong::OverRest(left)),
        // Where nothing is offered, the counter or the service says why.
        (Ok(amount), _) => {
            let back = purse::Return { original: original(&scene.tap), amount };
            ordered(&app, typed.id, Operation::PurseRefund(back), View::Counter.path()).await
        }
    };
    match begun {
        Ok(followed) => followed,
        Err(wrong) => (wrong.status(), form(&app, &headers, &scene, &typed.amount, Some(&wrong))).into_response(),
    }
}

#[derive(Deserialize)]
struct Begun {
    id: Uuid,
}

/// Undoes all of a tap: a payment, or points that were given for a purchase or taken for goods.
async fn take_back(
    State(app): State<App>,
    Path(tap): Path<String>,
    headers: HeaderMap,
    Form(Begun { id }): Form<Begun>,
) -> Response {
    let scene = match load(&app, &tap).await {
        Ok(scene) => scene,
        Err(error) => return failed(&app, language(&headers), error),
    };
    let original = original(&scene.tap);
    let operation = match scene.tap.operation {
        OperationCode::PointsAward | OperationCode::PointsRedemption => Operation::PointsUndo(Undo { original }),
        _ => Operation::PurseVoid(purse::Return { original, amount: scene.tap.amount.unwrap_or_default() }),
    };
    match ordered(&app, id, operation, View::Counter.path()).await {
        Ok(followed) => followed,
        Err(wrong) => (wrong.status(), receipt_of(&app, &headers, &scene, Some(&wrong))).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tap::tests::knowledge;

    const AT: Micros = Micros(1_790_000_000_000_000);

    fn tap(operation: OperationCode, outcome: Option<Outcome>) -> Fate {
        let (amount, tap_id) = (Some(Fen(1_250)), TapId([1; 32]));
        Fate {
            tap_id,
            operation,
            amount,
            original: None,
            points: Some(12),
            given: None,
            discount: None,
            at: AT,
            outcome,
            recorded: None,
        }
    }

    #[test]
    fn what_is_left_of_a_booked_payment_is_offered_while_there_is_time() {
        let known = knowledge();
        let paid = tap(OperationCode::PursePayment, Some(Outcome::Accepted));
        let all = |refund, void| Offer { refund, void, ..Offer::default() };
        for (case, returned, after_s, expected) in [
            ("at once", 0, 0, all(Some(Fen(1_250)), true)),
            ("in the last minute", 0, 900, all(Some(Fen(1_250)), true)),
            ("too late to void", 0, 901, all(Some(Fen(1_250)), false)),
            ("when a part went back", 400, 0, all(Some(Fen(850)), false)),
            ("when all went back", 1_250, 0, Offer::default()),
            ("on the last day", 0, 30 * 86_400, all(Some(Fen(1_250)), false)),
            ("too late", 0, 30 * 86_400 + 1, Offer::default()),
        ] {
            assert_eq!(offer(&paid, Fen(returned), false, &known, AT.plus_seconds(after_s)), expected, "{case}");
        }
    }

    #[test]
    fn nothing_is_offered_for_what_is_no_booked_payment_or_where_it_may_not_be() {
        let none = Offer::default();
        for other in [
            tap(OperationCode::PursePayment, None),
            tap(OperationCode::PursePayment, Some(Outcome::InsufficientFunds)),
            tap(OperationCode::PurseTopUp, Some(Outcome::Accepted)),
            tap(OperationCode::PurseRefund, Some(Outcome::Accepted)),
            tap(OperationCode::PurseVoid, Some(Outcome::Accepted)),
        ] {
            assert_eq!(offer(&other, Fen::ZERO, false, &knowledge(), AT), none, "{other:?}");
        }
        let paid = tap(OperationCode::PursePayment, Some(Outcome::Accepted));
        let alone = Knowledge { online: Some(false), ..knowledge() };
        assert_eq!(offer(&paid, Fen::ZERO, false, &alone, AT), Offer { needs_network: true, ..none });
        let mut known = knowledge();
        Arc::make_mut(&mut known.profile).operations = vec![OperationCode::PursePayment];
        assert_eq!(offer(&paid, Fen::ZERO, false, &known, AT), none);
    }

    #[test]
    fn points_for_a_purchase_or_for_goods_are_undone_once_and_in_time() {
        let known = knowledge();
        let undo = Offer { undo: true, ..Offer::default() };
        for code in [OperationCode::PointsAward, OperationCode::PointsRedemption] {
            let given = tap(code, Some(Outcome::Accepted));
            let offered = |is_undone, after_s| offer(&given, Fen::ZERO, is_undone, &known, AT.plus_seconds(after_s));
            assert_eq!(offered(false, 30 * 86_400), undo);
            assert_eq!(offered(false, 30 * 86_400 + 1), Offer::default());
            assert_eq!(offered(true, 0), Offer::default());
            let nothing = Fate { points: Some(0), ..given.clone() };
            assert_eq!(offer(&nothing, Fen::ZERO, false, &known, AT), Offer::default(), "it moved none");
            assert_eq!(offer(&tap(code, None), Fen::ZERO, false, &known, AT), Offer::default(), "it waits");
            let alone = Knowledge { online: Some(false), ..knowledge() };
            let needs_network = Offer { needs_network: true, ..Offer::default() };
            assert_eq!(offer(&given, Fen::ZERO, false, &alone, AT), needs_network);
        }
    }
}
