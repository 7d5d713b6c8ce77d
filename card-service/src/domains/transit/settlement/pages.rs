//! The page of a settlement, and the file to download.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use card_schema::month::Month;
use serde::Deserialize;

use super::model::Settlement;
use super::of_month;
use super::view::{FILE, PAGE, SettlementPage, file};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::page;
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(PAGE, get(show)), (FILE, get(download))]
}

#[derive(Deserialize)]
struct Wanted {
    month: Option<String>,
}

/// The month that is asked for, or this one, for whoever moves money back or looks after those who do.
async fn load(app: &App, who: &SignedIn, wanted: &Wanted) -> Result<Settlement, Refusal> {
    who.require(Permission::ReverseTransfers).or_else(|_| who.require(Permission::ReviewSuspicions))?;
    let month = wanted.month.as_deref().and_then(|month| month.parse().ok());
    Ok(of_month(&app.db, month.unwrap_or_else(|| Month::of(app.today()))).await?)
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let settlement = load(&app, &who, &wanted).await?;
    let frame = Frame::new(language(&headers), format!("{PAGE}?month={}", settlement.month), Some(&who.0));
    let has_next = settlement.month < Month::of(app.today());
    page(&SettlementPage::new(frame, &settlement, has_next))
}

async fn download(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let settlement = load(&app, &who, &wanted).await?;
    let name = format!("attachment; filename=\"fares-{}.csv\"", settlement.month);
    let about = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((about, file(language(&headers), &settlement)).into_response())
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use axum::http::StatusCode;
    use card_schema::ids::OrganisationId;
    use card_schema::money::Fen;
    use uuid::Uuid;

    use super::super::model::{Of, Sums};
    use super::*;
    use crate::domains::transit::model::Sold;
    use crate::i18n::Locale;
    use crate::people::StaffRole;
    use crate::testing::office;

    fn some() -> Settlement {
        let operator = OrganisationId(Uuid::from_u128(7));
        let month = "2026-11".parse().unwrap();
        let mut settlement = Settlement { month, ..Settlement::default() };
        settlement.operators.insert(operator, "=测试公交".to_owned());
        settlement.names.insert("metro".to_owned(), "地铁".to_owned());
        let sums = Sums { taken: Fen(130_000), back: Fen(700), balance: Fen(-300), shown: 9, rides: 7 };
        let sold = [
            Some(Sold::Rides("metro".into())),
            Some(Sold::Rides(String::new())),
            Some(Sold::Pass("month".into())),
            None,
        ];
        for sold in sold {
            settlement.add(Of { operator: Some(operator), sold }, sums);
        }
        settlement.add(Of::default(), Sums::default());
        settlement
    }

    /// The page in every state that it has.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let page = |name: &str, settlement, has_next| {
            let page = SettlementPage::new(frame.clone(), settlement, has_next);
            (format!("settlement-{name}"), page.render().unwrap())
        };
        vec![page("some", &some(), true), page("none", &Settlement::default(), false)]
    }

    #[test]
    fn the_file_says_what_the_page_says_and_holds_no_formula() {
        let text = String::from_utf8(file(Locale::En, &some())).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{FEFF}').split("\r\n").collect();
        assert_eq!(lines.len(), 8, "{text}");
        assert!(lines.contains(&"2026-11,'=测试公交,地铁 (metro),1300.00,7.00,1293.00,9,7,-3.00"), "{text}");
        assert!(lines.contains(&"2026-11,All together,,5200.00,28.00,5172.00,36,28,-12.00"), "{text}");
    }

    #[tokio::test]
    async fn whoever_reverses_or_audits_sees_a_settlement_and_nobody_else() {
        let office = office().await;
        for role in StaffRole::ALL {
            let token = office.staff(role.name(), role).await;
            let may = matches!(role, StaffRole::Administrator | StaffRole::Supervisor | StaffRole::Auditor);
            for path in ["/fares/settlement", "/fares/settlement?month=2026-10", "/fares/settlement.csv?month=x"] {
                let shown = office.browse(Some(&token), path, None).await;
                assert_eq!(shown.status == StatusCode::OK, may, "{role:?} {path}");
                assert!(!may || shown.page.contains("0.00"), "{}", shown.page);
            }
            let home = office.browse(Some(&token), "/", None).await.page;
            assert_eq!(home.contains("href=\"/fares/settlement\""), may, "{role:?}");
        }
    }
}
