//! What a merchant does on the page: charge, follow, go on. And what both screens do to a transaction. The amounts that
//! somebody types are read here; what may be charged is decided elsewhere.

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use card_schema::{
    coverage::Benefit,
    date::Date,
    ids::TapId,
    money::Fen,
    operation::{Operation, clinic::CheckIn, purse},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Typed, clinic, holder_page, language, live,
    seen::{Mode, Seen, look},
    view::{Charge, Payment, html, text},
    wrong::Wrong,
};
use crate::{
    cli::{messages::Language, messages_daemon},
    counter::{Bearer, NotStarted, Order},
    local::{api::App, guard, wire::View},
    piv::Pin,
    tap::{Knowledge, Refused, pass, points},
};

/// Digits, marks and spaces that somebody may paste around an amount; more is no amount.
const AMOUNT_MAX: usize = 32;

pub(super) fn routes() -> Router<App> {
    let mut routes = Router::new().route(View::Counter.path(), get(begin));
    for mode in Mode::ALL {
        routes = routes.route(
            mode.path(),
            get(move |State(app): State<App>, headers: HeaderMap| async move { fresh(&app, mode, &headers) }).post(
                move |State(app): State<App>, headers: HeaderMap, Form(typed): Form<Filled>| async move {
                    charge(&app, mode, &headers, &typed).await
                },
            ),
        );
    }
    for view in [View::Holder, View::Counter] {
        let path = |act: &str| format!("{}/transactions/{{id}}/{act}", view.prefix());
        routes = routes
            .route(
                &path("pin"),
                post(
                    move |State(app): State<App>,
                          Path(id): Path<Uuid>,
                          headers: HeaderMap,
                          Form(typed): Form<Typed>| async move { pin(&app, view, id, &headers, &typed) },
                ),
            )
            .route(
                &path("give-up"),
                post(move |State(app): State<App>, Path(id): Path<Uuid>| async move {
                    app.counter.give_up(id);
                    Redirect::to(view.path())
                }),
            )
            .route(
                &format!("{}/live", view.prefix()),
                get(move |State(app): State<App>, Query(at): Query<At>, headers: HeaderMap| async move {
                    let language = language(&headers);
                    live::live(app, view, move |app, seen| match view {
                        View::Counter => page(app, seen, at.mode(seen), language),
                        _ => holder_page(app, seen, language),
                    })
                }),
            );
    }
    routes.route("/counter/transactions/{id}/put-away", post(put_away)).route("/transactions/{id}/read", post(read))
}

/// The page of the first thing that this terminal may do.
async fn begin(State(app): State<App>, headers: HeaderMap) -> Response {
    let seen = look(&app, View::Counter);
    match (&seen.transaction, seen.modes.first()) {
        (None, Some(mode)) => Redirect::to(mode.path()).into_response(),
        _ => Html(page(&app, &seen, Mode::Till, language(&headers))).into_response(),
    }
}

fn fresh(app: &App, mode: Mode, headers: &HeaderMap) -> Html<String> {
    Html(page(app, &look(app, View::Counter), mode, language(headers)))
}

/// The transaction at the counter, or the form for one.
fn page(app: &App, seen: &Seen, mode: Mode, language: Language) -> String {
    if let Some(transaction) = &seen.transaction {
        return text(&Payment { language, view: View::Counter, seen, transaction, wrong: None });
    }
    form(app, seen, mode, language, &Filled::default(), None)
}

/// Which page a browser shows that wants to know more.
#[derive(Deserialize)]
struct At {
    #[serde(default)]
    here: String,
}

impl At {
    fn mode(&self, seen: &Seen) -> Mode {
        let shown = Mode::ALL.into_iter().find(|mode| mode.path() == self.here);
        shown.or(seen.modes.first().copied()).unwrap_or(Mode::Till)
    }
}

/// The form for a transaction, with what was typed and what is wrong with it.
fn form(app: &App, seen: &Seen, mode: Mode, language: Language, typed: &Filled, wrong: Option<&Wrong>) -> String {
    let (known, now) = (app.known.now(), crate::clock::now());
    let no_pin_limit = known.profile.limits.no_pin_limit;
    let is_of_points = wrong.is_some_and(Wrong::is_of_points);
    let wrong = wrong.map(|wrong| wrong.text(language));
    let (wrong, id) = (wrong.as_deref(), guard::random_id());
    let today = Date::in_china(now);
    let Filled { amount, points, pass, from, benefit, .. } = typed;
    let passes = pass::sold(from.trim().parse().unwrap_or(today), &known);
    let today = today.to_string();
    let from = if from.is_empty() { &today } else { from };
    text(&Charge {
        language,
        seen,
        mode,
        id,
        amount,
        points,
        benefit,
        pass,
        from,
        passes,
        no_pin_limit,
        wrong,
        is_of_points,
    })
}

#[derive(Default, Deserialize)]
pub(super) struct Filled {
    /// Drawn when the form was shown, so that the same form sent twice is one transaction.
    pub(super) id: Uuid,
    /// Empty where none is asked for.
    #[serde(default)]
    pub(super) amount: String,
    /// The points that the holder gives; empty for none.
    #[serde(default)]
    pub(super) points: String,
    /// The pass that is to be sold.
    #[serde(default)]
    pub(super) pass: String,
    /// Its first day.
    #[serde(default)]
    pub(super) from: String,
    /// As what a visit is insured that begins.
    #[serde(default)]
    pub(super) benefit: String,
    /// The day whose prices were shown.
    #[serde(default)]
    pub(super) prices_of: String,
}

/// What is wrong with an amount that was typed.
pub(super) fn read_amount(typed: &str) -> Result<Fen, Wrong> {
    let typed: String = typed.trim().chars().take(AMOUNT_MAX + 1).map(half_width).collect();
    let bare = typed.trim_start_matches('¥').trim_end_matches('元').trim();
    match bare.parse::<Fen>() {
        Ok(Fen::ZERO) => Err(Wrong::Zero),
        Ok(amount) if typed.chars().count() <= AMOUNT_MAX => Ok(amount),
        _ if bare.starts_with('-') => Err(Wrong::Zero),
        _ if bare.split_once('.').is_some_and(|(_, decimals)| decimals.len() > 2) => Err(Wrong::Decimals),
        _ => Err(Wrong::Amount),
    }
}

/// What is wrong with a part of a rest that was typed: all of it at most, and nothing at least.
pub(super) fn read_rest(typed: &str, rest: Fen) -> Result<Fen, Wrong> {
    let part = match read_amount(typed) {
        Err(Wrong::Zero) if !typed.contains('-') => Fen::ZERO,
        read => read?,
    };
    if part > rest { Err(Wrong::MoreThanRest(rest)) } else { Ok(part) }
}

/// What is wrong with a number of points that was typed; none where nothing was.
fn read_points(typed: &str) -> Result<u32, Wrong> {
    let typed: String = typed.trim().chars().take(AMOUNT_MAX).map(half_width).collect();
    let digits = typed.strip_suffix('分').unwrap_or(&typed).trim();
    match digits {
        "" => Ok(0),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| Wrong::Points),
        _ => Err(Wrong::Points),
    }
}

/// What an input method for Chinese writes for a digit, a point or the sign of the yuan.
pub(super) fn half_width(typed: char) -> char {
    match typed {
        '０'..='９' => char::from_u32(typed as u32 - '０' as u32 + '0' as u32).unwrap_or(typed),
        '．' | '。' => '.',
        '￥' => '¥',
        other => other,
    }
}

/// Starts what was ordered with a form, and leads to where it is followed. A form that was sent twice leads to the same, and to the
/// receipt of what came of it where the counter does not remember that any more.
pub(super) async fn ordered(app: &App, id: Uuid, operation: Operation, followed: &str) -> Result<Response, Wrong> {
    Ok(match start(app, Order::of_anybody(id, operation)).await? {
        None => Redirect::to(followed).into_response(),
        Some(tap) => Redirect::to(&format!("/counter/taps/{tap}")).into_response(),
    })
}

/// Starts what was ordered with a form; the tap that came of it where the counter does not remember that any more.
pub(super) async fn start(app: &App, order: Order) -> Result<Option<TapId>, Wrong> {
    match app.counter.start(order).await {
        Ok(_) => Ok(None),
        Err(NotStarted::Before(before)) => Ok(Some(before.fate.tap_id)),
        Err(NotStarted::Busy(_)) => Err(Wrong::Busy),
        Err(NotStarted::OtherOrder) => Err(Wrong::Used),
        Err(NotStarted::Refused(error)) => Err(Wrong::Said(error)),
    }
}

/// What was typed, as an operation.
fn operation(mode: Mode, typed: &Filled, known: &Knowledge) -> Result<Operation, Wrong> {
    let said = |refused: Refused| Wrong::Said(messages_daemon::tap(&refused.into()));
    Ok(match mode {
        Mode::Balance => Operation::PurseInquiry(purse::Inquiry),
        Mode::Pass if typed.pass.is_empty() => return Err(Wrong::NoPass),
        Mode::Pass => {
            let from: Date = typed.from.trim().parse().map_err(|_| Wrong::Day)?;
            // Nobody sells what they have not seen the price of.
            if typed.prices_of.parse() != Ok(from) {
                return Err(Wrong::OtherDay);
            }
            Operation::TransitPass(pass::purchase(&typed.pass, from, known, crate::clock::now()).map_err(said)?)
        }
        Mode::Statement => Operation::PurseStatement(purse::Statement),
        Mode::Clinic => {
            let benefit = Benefit::from_name(&typed.benefit).ok_or(Wrong::NoBenefit)?;
            Operation::ClinicCheckIn(CheckIn { benefit })
        }
        Mode::TopUp => Operation::PurseTopUp(purse::TopUp::cash(read_amount(&typed.amount)?)),
        Mode::Award => Operation::PointsAward(points::award(read_amount(&typed.amount)?, known).map_err(said)?),
        Mode::Till => {
            let (price, redeemed) = (read_amount(&typed.amount)?, read_points(&typed.points)?);
            let payment = points::payment(price, redeemed, known);
            let wrong = |refused: Refused| Wrong::Discount(messages_daemon::tap(&refused.into()));
            Operation::PursePayment(payment.map_err(wrong)?)
        }
        Mode::Redeem => match read_points(&typed.points)? {
            0 => return Err(Wrong::Points),
            points => Operation::PointsRedemption(points::redemption(points, known).map_err(said)?),
        },
    })
}

async fn charge(app: &App, mode: Mode, headers: &HeaderMap, typed: &Filled) -> Response {
    let started = match operation(mode, typed, &app.known.now()) {
        Ok(operation) => ordered(app, typed.id, operation, mode.path()).await,
        Err(wrong) => Err(wrong),
    };
    let wrong = match started {
        Ok(followed) => return followed,
        Err(wrong) => wrong,
    };
    let seen = look(app, View::Counter);
    (wrong.status(), Html(form(app, &seen, mode, language(headers), typed, Some(&wrong)))).into_response()
}

fn pin(app: &App, view: View, id: Uuid, headers: &HeaderMap, typed: &Typed) -> Response {
    // Whoever stands before the holder's screen does not try the PIN of a member of staff.
    let is_staffs = app.counter.find(id).is_some_and(|transaction| transaction.asked == Bearer::Staff);
    if view == View::Holder && is_staffs {
        return Redirect::to(view.path()).into_response();
    }
    let wrong = match Pin::parse(&typed.pin.0) {
        Ok(pin) => {
            // Where it is not waited for any more, the page says what is.
            app.counter.pin(id, pin);
            return Redirect::to(view.path()).into_response();
        }
        Err(_) => Wrong::Format,
    };
    let (language, seen) = (language(headers), look(app, view));
    let Some(transaction) = seen.transaction.as_ref().filter(|transaction| transaction.order.id == id) else {
        return Redirect::to(view.path()).into_response();
    };
    let page = Payment { language, view, seen: &seen, transaction, wrong: Some(&wrong.text(language)) };
    (StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response()
}

async fn put_away(State(app): State<App>, Path(id): Path<Uuid>) -> Redirect {
    app.counter.put_away(id);
    let ordered = app.counter.find(id).map(|transaction| transaction.order.operation);
    let visit = match &ordered {
        Some(Operation::ClinicCheckIn(_)) => app.clinic.find(id),
        Some(Operation::ClinicSettlement(settlement)) => app.clinic.of_claim(settlement.claim),
        Some(Operation::ClinicReversal(reversal)) => app.clinic.of_claim(reversal.claim),
        _ => None,
    };
    if let Some(visit) = visit {
        return Redirect::to(&clinic::path(visit.id));
    }
    let mode = ordered.and_then(|operation| {
        let code = operation.code();
        Mode::ALL.into_iter().find(|mode| mode.operation() == code)
    });
    Redirect::to(mode.map_or(View::Counter.path(), Mode::path))
}

async fn read(State(app): State<App>, Path(id): Path<Uuid>) -> Redirect {
    app.counter.read(id);
    Redirect::to(View::Holder.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said about it.
    type Expected = fn(&Wrong) -> bool;

    #[test]
    fn an_amount_is_read_as_people_type_and_paste_it_and_nothing_else_is_charged() {
        for (typed, fen) in
            [("12.5", 1250), (" 12.50 ", 1250), ("¥12", 1200), ("￥１２．５", 1250), ("0.01", 1), ("3 元", 300)]
        {
            assert!(matches!(read_amount(typed), Ok(Fen(read)) if read == fen), "{typed}");
        }
        let table: [(&str, Expected); 12] = [
            ("0", |wrong| matches!(wrong, Wrong::Zero)),
            ("0.00", |wrong| matches!(wrong, Wrong::Zero)),
            ("-5", |wrong| matches!(wrong, Wrong::Zero)),
            ("1.234", |wrong| matches!(wrong, Wrong::Decimals)),
            ("12.500", |wrong| matches!(wrong, Wrong::Decimals)),
            ("", |wrong| matches!(wrong, Wrong::Amount)),
            ("1,000", |wrong| matches!(wrong, Wrong::Amount)),
            ("1e3", |wrong| matches!(wrong, Wrong::Amount)),
            ("合计：12.50", |wrong| matches!(wrong, Wrong::Amount)),
            ("12.50\n13.00", |wrong| !matches!(wrong, Wrong::Zero)),
            ("99999999999999999999", |wrong| matches!(wrong, Wrong::Amount)),
            ("0000000000000000000000000000000012", |wrong| matches!(wrong, Wrong::Amount)),
        ];
        for (typed, expected) in table {
            assert!(read_amount(typed).is_err_and(|wrong| expected(&wrong)), "{typed}");
        }
    }

    #[test]
    fn of_a_rest_all_of_it_or_nothing_may_come_from_the_purse() {
        for (typed, fen) in [("0", 0), ("0.00", 0), ("12.5", 1_250), ("100", 10_000)] {
            assert!(matches!(read_rest(typed, Fen(10_000)), Ok(Fen(read)) if read == fen), "{typed}");
        }
        assert!(matches!(read_rest("100.01", Fen(10_000)), Err(Wrong::MoreThanRest(Fen(10_000)))));
        for typed in ["", "-1", "1.234"] {
            assert!(read_rest(typed, Fen(10_000)).is_err(), "{typed}");
        }
    }

    #[test]
    fn points_are_a_whole_number_or_none() {
        for (typed, points) in [("", 0), (" ", 0), ("500", 500), ("５００ 分", 500), ("0", 0)] {
            assert!(matches!(read_points(typed), Ok(read) if read == points), "{typed}");
        }
        for typed in ["-5", "1.5", "1e3", "five", "99999999999", "+5"] {
            assert!(matches!(read_points(typed), Err(Wrong::Points)), "{typed}");
        }
    }
}
