//! What a holder has asked to see of their own, in words. No I/O.

use askama::Template;
use card_schema::{
    month::Month,
    operation::OperationCode,
    wire::terminal::{RecordRead, StatementEntry, StatementReply},
};
use uuid::Uuid;

use super::{
    insured::Insured,
    journeys::Rides,
    view::{minute, operation},
};
use crate::cli::messages::Language;

/// The newest entries, and who has read the record.
#[derive(Template)]
#[template(path = "page/statement.html")]
pub(super) struct Statement<'a> {
    pub(super) language: Language,
    pub(super) reply: &'a StatementReply,
    /// The transaction with which it was asked for.
    pub(super) asked: Uuid,
    /// Whether a month can be disputed here.
    pub(super) may_dispute: bool,
    /// The month that it is.
    pub(super) this: Month,
    /// Why something that the holder has asked for since cannot be done.
    pub(super) wrong: Option<&'a str>,
}

impl Statement<'_> {
    /// Each entry with its time.
    fn entries(&self) -> impl Iterator<Item = (&StatementEntry, String)> {
        self.reply.entries.iter().map(|entry| (entry, minute(entry.at)))
    }

    /// Where the holder has travelled, if it is anywhere.
    fn rides(&self) -> Option<Rides<'_>> {
        let journeys = &self.reply.journeys;
        let is_none = journeys.legs.is_empty() && journeys.folded.is_empty() && journeys.corrections.is_empty();
        (!is_none).then_some(Rides { language: self.language, journeys })
    }

    /// What has become of the holder's months, if they were ever insured.
    fn insured(&self) -> Option<Insured<'_>> {
        let Self { language, asked, may_dispute, this, .. } = *self;
        let insurance = self.reply.insurance.as_ref()?;
        Some(Insured { language, insurance, asked, may_dispute, this })
    }

    /// Each read with its time.
    fn reads(&self) -> impl Iterator<Item = (&RecordRead, String)> {
        self.reply.reads.iter().map(|read| (read, minute(read.at)))
    }

    fn operation(&self, entry: &StatementEntry) -> &'static str {
        operation(self.language, entry.operation)
    }

    /// What it did to the purse, or to the points, and what has gone back since.
    fn moved(&self, entry: &StatementEntry) -> String {
        let is_out = matches!(
            entry.operation,
            OperationCode::PursePayment | OperationCode::TransitPass | OperationCode::ClinicSettlement
        );
        // Of a bill the purse may have paid nothing.
        let money = entry.amount_fen.filter(|amount| amount.0 != 0 && entry.operation != OperationCode::PointsAward);
        let mut said: Vec<_> =
            money.map(|amount| format!("{}{amount}", if is_out { "−" } else { "+" })).into_iter().collect();
        if let Some(returned) = entry.returned_fen {
            said.push(format!("{}{returned}", self.language.choose("已退 ", "returned ")));
        }
        if let Some(points) = entry.points.filter(|points| *points != 0) {
            said.push(format!("{points:+} {}", self.language.choose("积分", "points")));
        }
        said.join(self.language.choose("，", ", "))
    }

    /// Who has read the record: the role and the station, nobody's name.
    fn reader(&self, read: &RecordRead) -> String {
        let role = word(self.language, &ROLES, &read.role);
        read.station.as_ref().map_or_else(|| role.to_owned(), |station| format!("{role} · {station}"))
    }

    fn purpose<'b>(&self, read: &'b RecordRead) -> &'b str {
        word(self.language, &PURPOSES, &read.purpose)
    }
}

/// Roles by their names in the API.
const ROLES: [(&str, &str, &str); 6] = [
    ("administrator", "管理员", "Administrator"),
    ("clerk", "窗口工作人员", "Clerk"),
    ("supervisor", "主管", "Supervisor"),
    ("auditor", "审计员", "Auditor"),
    ("operator", "运维人员", "Operator"),
    ("bureau_officer", "社保经办人员", "Social security officer"),
];

/// Purposes by their names in the API.
const PURPOSES: [(&str, &str, &str); 7] = [
    ("registration", "登记", "Registration"),
    ("card_issuance", "发卡或换卡", "Issuing or replacing a card"),
    ("holder_request", "本人办理", "You asked at the desk"),
    ("complaint", "处理投诉或争议", "A complaint or a dispute"),
    ("permit", "办理居住证", "A residence permit"),
    ("organisation_check", "单位核对本单位人员名单", "An organisation checked the list of its people"),
    ("organisation_permits", "单位为人员办理居住证", "An organisation applied for residence permits"),
];

/// The word of a name; a newer service may say one that is not known here.
pub(super) fn word<'a>(language: Language, words: &[(&str, &'static str, &'static str)], name: &'a str) -> &'a str {
    words.iter().find(|(known, ..)| *known == name).map_or(name, |(_, zh, en)| language.choose(zh, en))
}

#[cfg(test)]
mod tests {
    use card_schema::{clock::Micros, money::Fen, wire::journeys::Journeys};

    use super::*;

    #[test]
    fn an_entry_says_what_it_did_and_who_has_read_is_told_by_role_and_place() {
        let entry = |operation, amount: Option<i64>, returned: Option<i64>, points| StatementEntry {
            at: Micros(0),
            operation,
            amount_fen: amount.map(Fen),
            returned_fen: returned.map(Fen),
            points,
            organisation: None,
        };
        let journeys = Journeys::default();
        let reply = StatementReply { entries: Vec::new(), journeys, insurance: None, reads: Vec::new() };
        let (language, asked, this) = (Language::En, Uuid::nil(), Month::default());
        let statement = Statement { language, reply: &reply, asked, may_dispute: true, this, wrong: None };
        for (entry, expected) in [
            (entry(OperationCode::PursePayment, Some(1_250), None, None), "−12.50"),
            (
                entry(OperationCode::PursePayment, Some(1_250), Some(250), Some(-88)),
                "−12.50, returned 2.50, -88 points",
            ),
            (entry(OperationCode::TransitPass, Some(5_000), None, None), "−50.00"),
            (entry(OperationCode::PurseTopUp, Some(5_000), None, None), "+50.00"),
            (entry(OperationCode::ClinicSettlement, Some(5_000), None, None), "−50.00"),
            (entry(OperationCode::ClinicSettlement, Some(0), None, None), ""),
            (entry(OperationCode::ClinicReversal, None, None, None), ""),
            (entry(OperationCode::PurseRefund, Some(250), None, None), "+2.50"),
            (entry(OperationCode::PointsAward, Some(9_900), None, Some(99)), "+99 points"),
        ] {
            assert_eq!(statement.moved(&entry), expected);
        }
        let read = |role: &str, station: Option<&str>| RecordRead {
            at: Micros(0),
            role: role.to_owned(),
            station: station.map(str::to_owned),
            purpose: "complaint".to_owned(),
        };
        assert_eq!(statement.reader(&read("clerk", Some("Test Station"))), "Clerk · Test Station");
        assert_eq!(statement.reader(&read("a newer role", None)), "a newer role");
        assert_eq!(statement.purpose(&read("clerk", None)), "A complaint or a dispute");
    }
}
