//! What a holder has asked to see of their social security, in words, and how they say that a month is not as it should be.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use card_schema::{
    date::Date,
    ids::OrganisationId,
    month::Month,
    operation::{Operation, social_security::Dispute},
    wire::insurance::{Answered, DisputeAnswer, Insurance, InsuredMonth, MonthState},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    counter::start,
    language,
    seen::look,
    view::{Payment, html},
    wrong::Wrong,
};
use crate::{
    cli::messages::Language,
    counter::Order,
    local::{api::App, guard, wire::View},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/transactions/{id}/dispute", post(dispute))
}

/// What has become of each month.
#[derive(Template)]
#[template(path = "page/insured.html")]
pub(super) struct Insured<'a> {
    pub(super) language: Language,
    pub(super) insurance: &'a Insurance,
    /// The transaction with which it was asked for.
    pub(super) asked: Uuid,
    /// Whether it can be said here that something is wrong.
    pub(super) may_dispute: bool,
    /// The month that it is.
    pub(super) this: Month,
}

impl Insured<'_> {
    /// Drawn for each form, so that the same form sent twice is one transaction.
    fn new_id() -> Uuid {
        guard::random_id()
    }

    fn summary(&self) -> String {
        let Insurance { counted, pension_fen, medical_fen, .. } = self.insurance;
        match self.language {
            Language::Zh => {
                format!("累计 {counted} 个月有效。个人账户：养老 {pension_fen} 元，医疗 {medical_fen} 元。")
            }
            Language::En => format!(
                "Months that count: {counted}. Your own accounts: pension {pension_fen} yuan, medical {medical_fen} yuan."
            ),
        }
    }

    /// What is said of months that are too old to be shown.
    fn older(&self) -> Option<String> {
        let Insurance { older, older_gaps, .. } = *self.insurance;
        (older > 0).then(|| match self.language {
            Language::Zh => format!("更早还有 {older} 个月，其中 {older_gaps} 个月未申报或未缴费；可请窗口查看。"),
            Language::En => format!(
                "There are {older} earlier months, of them {older_gaps} not declared or not paid: ask at this desk to see them."
            ),
        })
    }

    fn state(&self, month: &InsuredMonth) -> &'static str {
        let (zh, en) = match month.state {
            MonthState::Paid => ("已缴", "paid"),
            MonthState::PaidLate => ("已补缴", "paid late"),
            MonthState::Declared => ("已申报，待缴费", "declared, not paid yet"),
            MonthState::Unpaid => ("已申报，逾期未缴", "declared and not paid in time"),
            MonthState::Open => ("尚可申报", "not declared yet; it still can be"),
            MonthState::Missing => ("没有申报", "not declared"),
        };
        self.language.choose(zh, en)
    }

    /// The wage as it was declared, what is kept of it, and what the employer adds.
    fn sums(&self, month: &InsuredMonth) -> Option<String> {
        let sums = month.sums?;
        Some(match self.language {
            Language::Zh => {
                format!("工资 {}，个人缴 {}，单位缴 {}", sums.wage_fen, sums.person_fen, sums.employer_fen)
            }
            Language::En => {
                format!("wage {}; you pay {}, employer {}", sums.wage_fen, sums.person_fen, sums.employer_fen)
            }
        })
    }

    /// What the holder has said against it, and what was answered.
    fn dispute(&self, month: &InsuredMonth) -> Option<String> {
        let dispute = month.dispute?;
        let said = match (dispute.answered, self.language) {
            (None, Language::Zh) => format!("您已提出异议，社保机构应在 {} 前答复。", dispute.due),
            (None, Language::En) => format!("You have disputed it: the bureau is to answer by {}.", dispute.due),
            (Some(Answered { at, answer }), language) => {
                let day = Date::in_china(at);
                let answer = language.choose(ANSWERS[answer as usize].0, ANSWERS[answer as usize].1);
                match language {
                    Language::Zh => format!("对您异议的答复（{day}）：{answer}"),
                    Language::En => format!("The answer to your dispute ({day}): {answer}"),
                }
            }
        };
        Some(said)
    }

    /// Whether the holder can say now that it is not as it should be.
    fn is_open(&self, month: &InsuredMonth) -> bool {
        let waits = month.dispute.is_some_and(|dispute| dispute.answered.is_none());
        // What is to be declared still can be wrong as soon as the month is over.
        self.may_dispute && !waits && (month.state != MonthState::Open || month.month < self.this)
    }
}

/// What answers say, in their order.
const ANSWERS: [(&str, &str); DisputeAnswer::ALL.len()] = [
    ("异议成立，已责令单位申报、更正或缴费。", "You are right: the employer has been told to declare, correct or pay."),
    ("单位已经改正。", "The employer has set it right since."),
    ("申报无误，或当月无须申报。", "What was declared is right, or nothing had to be."),
];

/// A month that the holder says is not as it should be.
#[derive(Deserialize)]
struct Said {
    /// Of the new transaction.
    id: Uuid,
    month: Month,
    employer: OrganisationId,
}

/// The holder disputes a month of the statement that is shown, and is asked for PIN and card.
async fn dispute(
    State(app): State<App>,
    Path(asked): Path<Uuid>,
    headers: HeaderMap,
    Form(Said { id, month, employer }): Form<Said>,
) -> Response {
    let shown = app.counter.find(asked).and_then(|asked| asked.statement).filter(|shown| {
        let mut months = shown.reply.insurance.iter().flat_map(|insurance| &insurance.months);
        months.any(|one| (one.month, one.employer_id) == (month, employer))
    });
    // Where it has gone from the screen nobody says anything, and what one has begun is not the next one's card's to sign.
    if let Some(shown) = shown {
        let operation = Operation::SocialSecurityDispute(Dispute { month, employer });
        let order = Order { card: Some(shown.card), ..Order::of_anybody(id, operation) };
        if let Err(wrong) = start(&app, order).await {
            return said_again(&app, &headers, asked, &wrong);
        }
        app.counter.read(asked);
    }
    Redirect::to(View::Holder.path()).into_response()
}

/// What is shown where it cannot be said now.
fn said_again(app: &App, headers: &HeaderMap, asked: Uuid, wrong: &Wrong) -> Response {
    let (language, seen) = (language(headers), look(app, View::Holder));
    let Some(transaction) = seen.transaction.as_ref().filter(|transaction| transaction.order.id == asked) else {
        return Redirect::to(View::Holder.path()).into_response();
    };
    let text = wrong.text(language);
    let page = Payment { language, view: View::Holder, seen: &seen, transaction, wrong: Some(&text) };
    (wrong.status(), html(&page)).into_response()
}

#[cfg(test)]
mod tests {
    use card_schema::{
        clock::Micros,
        money::Fen,
        wire::insurance::{DisputeSeen, MonthSums},
    };

    use super::*;

    /// A month that was disputed, and answered so.
    fn said(answer: Option<DisputeAnswer>) -> DisputeSeen {
        let answered = answer.map(|answer| Answered { at: Micros(0), answer });
        DisputeSeen { at: Micros(0), due: "2026-12-23".parse().unwrap(), answered }
    }

    fn month(state: MonthState, dispute: Option<DisputeSeen>) -> InsuredMonth {
        InsuredMonth {
            month: "2026-09".parse().unwrap(),
            employer_id: OrganisationId(Uuid::from_u128(7)),
            employer: "测试工厂".to_owned(),
            state,
            sums: Some(MonthSums { wage_fen: Fen(800_000), person_fen: Fen(84_000), employer_fen: Fen(216_800) }),
            correction_waits: false,
            dispute,
        }
    }

    #[test]
    fn a_month_can_be_disputed_once_at_a_time_where_that_is_allowed_and_something_can_be_wrong() {
        let insurance = Insurance::default();
        let shown = |may_dispute, this: &str| {
            let (language, this) = (Language::En, this.parse().unwrap());
            Insured { language, insurance: &insurance, asked: Uuid::nil(), may_dispute, this }
        };
        for (state, dispute, may, this, is_open) in [
            (MonthState::Missing, None, true, "2026-11", true),
            (MonthState::Missing, None, false, "2026-11", false),
            (MonthState::Missing, Some(said(None)), true, "2026-11", false),
            (MonthState::Missing, Some(said(Some(DisputeAnswer::Unfounded))), true, "2026-11", true),
            (MonthState::Paid, None, true, "2026-09", true),
            (MonthState::Open, None, true, "2026-09", false),
            (MonthState::Open, None, true, "2026-10", true),
        ] {
            let case = format!("{state:?} {dispute:?} {may} {this}");
            assert_eq!(shown(may, this).is_open(&month(state, dispute)), is_open, "{case}");
        }
    }

    #[test]
    fn a_month_says_how_it_stands_what_was_said_and_what_was_answered() {
        let months = vec![
            month(MonthState::Missing, None),
            month(MonthState::Unpaid, Some(said(None))),
            month(MonthState::Paid, Some(said(Some(DisputeAnswer::SetRight)))),
        ];
        let insurance = Insurance { counted: 1, months, older: 3, older_gaps: 2, ..Insurance::default() };
        for (language, said) in [
            (
                Language::En,
                [
                    "not declared",
                    "wage 8000.00; you pay 840.00, employer 2168.00",
                    "the bureau is to answer by 2026-12-23",
                    "(1970-01-01): The employer has set it right since",
                    "3 earlier months, of them 2",
                ],
            ),
            (
                Language::Zh,
                [
                    "没有申报",
                    "工资 8000.00，个人缴 840.00，单位缴 2168.00",
                    "应在 2026-12-23 前答复",
                    "（1970-01-01）：单位已经改正",
                    "更早还有 3 个月，其中 2",
                ],
            ),
        ] {
            let (asked, this) = (Uuid::nil(), "2026-11".parse().unwrap());
            let page = Insured { language, insurance: &insurance, asked, may_dispute: true, this };
            let page = page.render().unwrap();
            for said in said {
                assert!(page.contains(said), "{said}: {page}");
            }
            assert_eq!(page.matches("<form").count(), 2, "{page}");
        }
    }
}
