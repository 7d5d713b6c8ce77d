//! What the pages of a clinic's desk show: visits, what is covered, and a bill with how each line comes to its shares. No I/O; the words
//! stand here and in the templates, in both languages.

use askama::Template;
use card_schema::{
    coverage::{Benefit, Eligibility, ItemClass, Level, Piece, Shares},
    ids::TapId,
    money::Fen,
    operation::{Operation, clinic::Settlement},
    wire::{
        clinic::{BilledLine, Covered, VisitReply},
        terminal::TerminalProfile,
    },
};
use uuid::Uuid;

use super::{
    bill::Typed,
    clinic::path,
    seen::{Lying, Mode, Seen},
    view::{Charge, Payment, minute},
};
use crate::{
    cli::messages::Language,
    clinic::{Bill, Visit},
};

/// As what a visit is insured.
pub(super) fn benefit(language: Language, benefit: Benefit) -> &'static str {
    match benefit {
        Benefit::Outpatient => language.choose("门诊", "Outpatient"),
        Benefit::SpecialOutpatient => language.choose("门诊特殊疾病", "Outpatient, special disease"),
        Benefit::Inpatient => language.choose("住院", "Stay in hospital"),
    }
}

fn level(language: Language, level: Level) -> &'static str {
    match level {
        Level::Community => language.choose("社区卫生服务机构", "community health station"),
        Level::Primary => language.choose("一级", "level 1"),
        Level::Secondary => language.choose("二级", "level 2"),
        Level::Tertiary => language.choose("三级", "level 3"),
    }
}

/// The visits that this terminal remembers.
#[derive(Template)]
#[template(path = "page/visits.html")]
pub(super) struct VisitsPage<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) visits: &'a [Visit],
    /// Of the transaction that the form may start.
    pub(super) id: Uuid,
    pub(super) typed: &'a str,
    pub(super) wrong: Option<&'a str>,
}

impl VisitsPage<'_> {
    /// Each with its address, its time, as what it is insured, and what has become of its bill.
    fn lines(&self) -> impl Iterator<Item = (String, String, &'static str, &'static str)> {
        let zh_en = |zh, en| self.language.choose(zh, en);
        self.visits.iter().map(move |visit| {
            let became = match &visit.bill {
                None => zh_en("没有账单", "no bill yet"),
                Some(bill) if bill.is_reversed => zh_en("已退费", "taken back"),
                Some(bill) if bill.settled.is_some() => zh_en("已结算", "settled"),
                Some(_) => zh_en("待结算", "to be settled"),
            };
            (path(visit.id), minute(visit.at), benefit(self.language, visit.benefit), became)
        })
    }
}

/// A visit.
#[derive(Template)]
#[template(path = "page/visit.html")]
pub(super) struct VisitPage<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) visit: &'a Visit,
    pub(super) typed: &'a Typed,
    /// What of the rest comes from the purse, as it was typed.
    pub(super) purse: &'a str,
    /// Of the transaction that a form may start.
    pub(super) id: Uuid,
    pub(super) wrong: Option<&'a str>,
}

impl VisitPage<'_> {
    fn path(&self) -> String {
        path(self.visit.id)
    }

    fn title(&self) -> String {
        format!("{} · {}", benefit(self.language, self.visit.benefit), minute(self.visit.at))
    }

    fn coverage(&self) -> Option<Coverage<'_>> {
        let reply = self.visit.told.as_deref()?;
        Some(Coverage { language: self.language, reply })
    }

    fn explained<'b>(&self, bill: &'b Bill) -> Explained<'b> {
        Explained { language: self.language, bill }
    }

    /// Whether a bill may be written now.
    fn is_open(&self) -> bool {
        !self.visit.bill.as_ref().is_some_and(Bill::stands)
    }
}

/// What is covered, on one screen.
#[derive(Template)]
#[template(path = "page/coverage.html")]
pub(super) struct Coverage<'a> {
    pub(super) language: Language,
    pub(super) reply: &'a VisitReply,
}

impl Coverage<'_> {
    /// Whether the fund pays, and in words.
    fn standing(&self) -> (bool, String) {
        let zh = self.language == Language::Zh;
        let said = match self.reply.standing {
            Eligibility::Covered { until } if zh => format!("可以报销，参保有效至 {until}"),
            Eligibility::Covered { until } => format!("Covered, until {until}"),
            Eligibility::Waiting { from } if zh => format!("等待期内，{from} 起可以报销；现在费用全部自付"),
            Eligibility::Waiting { from } => format!("Not covered before {from}: the holder pays it all"),
            Eligibility::Ended { on } if zh => format!("参保已于 {on} 中断；现在费用全部自付"),
            Eligibility::Ended { on } => format!("Cover ended on {on}: the holder pays it all"),
            Eligibility::Never if zh => "没有参保；费用全部自付".to_owned(),
            Eligibility::Never => "Not insured: the holder pays it all".to_owned(),
        };
        (self.reply.standing.is_covered(), said)
    }

    fn what(&self) -> String {
        let VisitReply { benefit: insured_as, level: at, .. } = *self.reply;
        format!("{} · {}", benefit(self.language, insured_as), level(self.language, at))
    }

    /// What the fund pays next.
    fn bands(&self, covered: &Covered) -> Vec<String> {
        let band = |band: &card_schema::wire::clinic::BandLeft| match (band.left_fen, self.language) {
            (Some(left), Language::Zh) => format!("接下来的 {left} 元：基金支付 {}", band.rate),
            (Some(left), Language::En) => format!("of the next {left} yuan the fund pays {}", band.rate),
            (None, Language::Zh) => format!("其余：基金支付 {}", band.rate),
            (None, Language::En) => format!("of all that follows the fund pays {}", band.rate),
        };
        covered.bands.iter().map(band).collect()
    }
}

/// A bill, line by line.
#[derive(Template)]
#[template(path = "page/explained.html")]
pub(super) struct Explained<'a> {
    pub(super) language: Language,
    pub(super) bill: &'a Bill,
}

impl Explained<'_> {
    fn name<'b>(&self, line: &'b BilledLine) -> &'b str {
        self.language.choose(&line.name, &line.name_en)
    }

    /// How a line comes to its shares, in words.
    fn parts(&self, line: &BilledLine) -> Vec<String> {
        let shares = &line.shares;
        let excluded = if line.class == ItemClass::C { "丙类，自费" } else { "未参保，自费" };
        let before = [
            (shares.excluded_fen, excluded, "not covered"),
            (shares.over_price_fen, "超过最高限价", "above the highest price"),
            (shares.first_fen, "乙类先行自付", "class B, paid first"),
            (shares.deductible_fen, "起付线以下", "below the deductible"),
        ];
        let after = [
            (shares.co_insurance_fen, "按比例自付", "the holder's part of it"),
            (shares.over_ceiling_fen, "超过封顶线", "above the ceiling"),
        ];
        let share = |(amount, zh, en): (Fen, &str, &str)| {
            (amount > Fen::ZERO).then(|| format!("{} {amount}", self.language.choose(zh, en)))
        };
        let piece = |piece: &Piece| match self.language {
            Language::Zh => format!("{} 由基金支付 {}", piece.amount_fen, piece.rate),
            Language::En => format!("of {} the fund pays {}", piece.amount_fen, piece.rate),
        };
        let pieces = line.pieces.iter().map(piece);
        before.into_iter().filter_map(share).chain(pieces).chain(after.into_iter().filter_map(share)).collect()
    }

    fn class(&self, line: &BilledLine) -> &'static str {
        match line.class {
            ItemClass::A => self.language.choose("甲类", "class A"),
            ItemClass::B => self.language.choose("乙类", "class B"),
            ItemClass::C => self.language.choose("丙类", "class C"),
        }
    }

    const fn shares(&self) -> &Shares {
        &self.bill.reply.shares
    }
}

/// A bill for the holder's hand.
#[derive(Template)]
#[template(path = "page/bill_slip.html")]
pub(super) struct BillSlip<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) profile: &'a TerminalProfile,
    pub(super) visit: &'a Visit,
    pub(super) bill: &'a Bill,
}

impl BillSlip<'_> {
    fn path(&self) -> String {
        path(self.visit.id)
    }

    fn what(&self) -> &'static str {
        benefit(self.language, self.visit.benefit)
    }

    fn minute(&self) -> String {
        minute(self.visit.at)
    }

    const fn explained(&self) -> Explained<'_> {
        Explained { language: self.language, bill: self.bill }
    }
}

impl Charge<'_> {
    /// Whether it is what was chosen, or what most visits are.
    pub(super) fn is_chosen(&self, of: Benefit) -> bool {
        of.name() == self.benefit || self.benefit.is_empty() && of == Benefit::Outpatient
    }

    /// As what a visit may be insured.
    pub(super) fn benefit_name(&self, of: Benefit) -> &'static str {
        benefit(self.language, of)
    }
}

/// Of a transaction that is about a clinic.
impl Payment<'_> {
    /// Who pays what of a bill that is settled.
    pub(super) const fn settlement(&self) -> Option<&Settlement> {
        match &self.transaction.order.operation {
            Operation::ClinicSettlement(settlement) => Some(settlement),
            _ => None,
        }
    }

    pub(super) const fn is_check_in(&self) -> bool {
        matches!(self.transaction.order.operation, Operation::ClinicCheckIn(_))
    }

    pub(super) const fn is_of_clinic(&self) -> bool {
        self.is_check_in()
            || matches!(self.transaction.order.operation, Operation::ClinicSettlement(_) | Operation::ClinicReversal(_))
    }

    /// The tap of a receipt; that of a bill is another one.
    pub(super) fn slip(&self) -> Option<TapId> {
        self.transaction.tap.filter(|_| !self.is_of_clinic())
    }

    /// What is covered of whoever has just checked in.
    pub(super) fn coverage(&self) -> Option<Coverage<'_>> {
        let reply = self.seen.visit.as_deref().filter(|_| self.is_check_in())?;
        Some(Coverage { language: self.language, reply })
    }
}

#[cfg(test)]
mod tests {
    use card_schema::{
        ids::ClaimId,
        wire::clinic::{BandLeft, ClaimReply},
    };

    use super::*;

    fn line(class: ItemClass, shares: Shares) -> BilledLine {
        BilledLine {
            item: "D1027".parse().unwrap(),
            name: "阿奇霉素".to_owned(),
            name_en: "Azithromycin".to_owned(),
            class,
            quantity: "2".parse().unwrap(),
            price_fen: Fen(4_500),
            amount_fen: shares.total(),
            eligible_fen: Fen(7_020),
            pieces: vec![Piece { rate: "70%".parse().unwrap(), amount_fen: Fen(2_020) }],
            shares,
        }
    }

    fn bill(lines: Vec<BilledLine>) -> Bill {
        let shares = lines.iter().fold(Shares::default(), |sum, line| sum.plus(&line.shares));
        let (claim_id, standing) = (ClaimId::from_bytes([7; 16]), Eligibility::Never);
        let rest_fen = Fen(shares.own().0 - 1_000);
        let reply = ClaimReply { claim_id, standing, lines, shares, account_fen: Fen(1_000), rest_fen };
        Bill { typed: Vec::new(), reply: Box::new(reply), settled: None, is_reversed: false }
    }

    #[test]
    fn each_line_says_how_it_comes_to_its_shares_in_both_languages() {
        let shares = Shares {
            fund_fen: Fen(1_414),
            over_price_fen: Fen(1_200),
            first_fen: Fen(780),
            deductible_fen: Fen(5_000),
            co_insurance_fen: Fen(606),
            ..Shares::default()
        };
        let excluded = Shares { excluded_fen: Fen(300), ..Shares::default() };
        let bill = bill(vec![line(ItemClass::B, shares), line(ItemClass::C, excluded)]);
        for (language, said) in [
            (
                Language::En,
                ["Azithromycin", "of 20.20 the fund pays 70%", "below the deductible 50.00", "14.14", "class C"],
            ),
            (Language::Zh, ["阿奇霉素", "20.20 由基金支付 70%", "起付线以下 50.00", "14.14", "丙类，自费 3.00"]),
        ] {
            let page = Explained { language, bill: &bill }.render().unwrap();
            for said in said {
                assert!(page.contains(said), "{said}: {page}");
            }
            assert!(!page.contains("above the ceiling") && !page.contains("超过封顶线"), "what is nothing is not said");
        }
    }

    #[test]
    fn whoever_is_covered_and_whoever_is_not_is_told_so_on_one_screen() {
        let covered = Covered {
            deductible_left_fen: Fen(12_345),
            bands: vec![
                BandLeft { rate: "90%".parse().unwrap(), left_fen: Some(Fen(200_000)) },
                BandLeft { rate: "60%".parse().unwrap(), left_fen: None },
            ],
            fund_left_fen: Some(Fen(999_900)),
            wants_referral: true,
        };
        let day = "2026-12-01".parse().unwrap();
        let reply = |standing, covered| VisitReply {
            benefit: Benefit::Outpatient,
            level: Level::Tertiary,
            standing,
            covered,
            account_fen: Fen(4_200),
        };
        for (reply, said, not) in [
            (
                reply(Eligibility::Covered { until: day }, Some(covered)),
                &[
                    "Covered, until 2026-12-01",
                    "123.45",
                    "of the next 2000.00 yuan the fund pays 90%",
                    "9999.00",
                    "42.00",
                ][..],
                "pays it all",
            ),
            (
                reply(Eligibility::Waiting { from: day }, None),
                &["Not covered before 2026-12-01", "42.00"],
                "deductible",
            ),
            (reply(Eligibility::Ended { on: day }, None), &["Cover ended on 2026-12-01"], "deductible"),
            (reply(Eligibility::Never, None), &["Not insured"], "deductible"),
        ] {
            let page = Coverage { language: Language::En, reply: &reply }.render().unwrap();
            for said in said {
                assert!(page.contains(said), "{said}: {page}");
            }
            assert!(!page.contains(not), "{not}: {page}");
            let zh = Coverage { language: Language::Zh, reply: &reply }.render().unwrap();
            assert!(zh.contains("三级") && (zh.contains("自付") || zh.contains("可以报销")), "{zh}");
        }
    }
}
