//! A person's months of social security on paper: for the person's own hand, in the language of the page. It proves nothing to anybody
//! else, and says so.

use askama::Template;
use card_schema::ids::HolderId;
use card_schema::money::Fen;

use super::months;
use crate::console::frame::Frame;
use crate::console::register::Link;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::social_security::record::{self, MonthOf};
use crate::i18n::Locale;
use crate::statement::insurance::Insured;

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/insured_statement.html")]
pub(super) struct StatementPage {
    frame: Frame,
    back: Link,
    /// Whose it is, when it was printed, and what all months come to.
    facts: Vec<(String, String)>,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Which month, with whom, how it stands, and what it came to.
fn row(locale: Locale, has: &Insured, of: &MonthOf) -> Vec<String> {
    let sums = of.declared.map(|declared| [declared.wage, declared.sums.person, declared.sums.employer]);
    let sums = sums.map_or_else(|| [(); 3].map(|()| String::new()), |sums| sums.map(|amount| amount.to_string()));
    let cells = [of.month.to_string(), has.name(of.employer).to_owned(), months::state(locale, of)];
    cells.into_iter().chain(sums).collect()
}

impl StatementPage {
    /// Of somebody's months, with what their record says of name and number, on a day.
    pub(super) fn new(frame: Frame, holder: HolderId, facts: &Facts, day: String, has: &Insured) -> Self {
        let locale = frame.locale();
        let t = |key: &str| locale.text(key);
        let [pension, medical] = has.accounts.map(|amount| Fen(amount).to_string());
        let columns = [
            "statement-month",
            "statement-employer",
            "statement-standing",
            "statement-wage",
            "statement-person",
            "statement-employer-pays",
        ];
        Self {
            back: Link { to: format!("/holders/{holder}/insurance"), text: t("insured-title") },
            facts: vec![
                (t("filing-name"), facts.get(Field::Name).to_owned()),
                (t("filing-number"), facts.get(Field::DocumentNumber).to_owned()),
                (t("statement-day"), day),
                (t("insured-counted"), record::counted(&has.months).to_string()),
                (t("insured-pension-account"), pension),
                (t("insured-medical-account"), medical),
            ],
            columns: columns.map(t).into(),
            rows: has.months.iter().map(|of| row(locale, has, of)).collect(),
            frame,
        }
    }
}
