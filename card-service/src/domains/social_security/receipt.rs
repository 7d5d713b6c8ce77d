//! What a bank says has arrived, as its statement lists it, and whose it is. Pure.

use card_schema::date::Date;
use card_schema::ids::OrganisationId;
use card_schema::money::Fen;

use crate::i18n::Locale;
use crate::ledger::MAX_AMOUNT;
use crate::plain;
use crate::sheet::{Column, Row};

/// The most lines of a statement.
pub const MAX_ROWS: usize = 20_000;
/// The longest number, name and remark, in characters.
const TEXT_CHARS: usize = 140;

/// A column of a bank's statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The bank's own number of what arrived: the same number is the same arrival.
    Number,
    /// The day.
    Day,
    /// The amount, in yuan.
    Amount,
    /// Who paid.
    Payer,
    /// What the payer has written to it.
    Remark,
}

impl Column for Part {
    const ALL: &'static [Self] = &[Self::Number, Self::Day, Self::Amount, Self::Payer, Self::Remark];
    const NEEDED: &'static [Self] = &[Self::Number, Self::Day, Self::Amount, Self::Payer];

    fn title(self, locale: Locale) -> String {
        locale.text(match self {
            Self::Number => "arrival-number",
            Self::Day => "arrival-day",
            Self::Amount => "arrival-amount",
            Self::Payer => "arrival-payer",
            Self::Remark => "arrival-remark",
        })
    }
}

/// What has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The bank's number of it.
    pub number: String,
    /// On which day.
    pub day: Date,
    /// How much; above zero.
    pub amount: Fen,
    /// Who paid, as the bank names them.
    pub payer: String,
    /// What was written to it.
    pub remark: String,
}

/// What is wrong with a line of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWrong {
    /// It has no number, or one that is too long.
    Number,
    /// It has no day, or one that is to come.
    Day,
    /// It is no amount above zero.
    Amount,
    /// It does not say who paid, or in too many words.
    Payer,
    /// What was written to it is too long.
    Remark,
    /// The number stands in an earlier line, in this row.
    Twice(u32),
}

impl RowWrong {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Number => "arrival-wrong-number",
            Self::Day => "arrival-wrong-day",
            Self::Amount => "arrival-wrong-amount",
            Self::Payer => "arrival-wrong-payer",
            Self::Remark => "arrival-wrong-remark",
            Self::Twice(_) => "arrival-wrong-twice",
        }
    }

    /// What its text is filled in with.
    pub fn at(self) -> String {
        if let Self::Twice(row) = self { row.to_string() } else { String::new() }
    }
}

/// The lines of a statement, where all of them say something.
///
/// # Errors
/// What is wrong with some of them, by their rows.
pub fn read(rows: Vec<Row<Part>>, today: Date) -> Result<Vec<Receipt>, Vec<(u32, RowWrong)>> {
    let (mut receipts, mut wrong) = (Vec::<Receipt>::with_capacity(rows.len()), Vec::new());
    let mut seen = std::collections::HashMap::new();
    let fits =
        |text: &&str| !text.is_empty() && text.chars().count() <= TEXT_CHARS && !text.chars().any(char::is_control);
    for (row, cells) in rows {
        let cell = |part| cells.iter().find(|(of, _)| *of == part).map_or("", |(_, text)| text.as_str());
        let mut read = || {
            let number = Some(cell(Part::Number)).filter(fits).ok_or(RowWrong::Number)?.to_owned();
            let day = cell(Part::Day).replace('/', "-").parse().map_err(|_| RowWrong::Day)?;
            if day > today {
                return Err(RowWrong::Day);
            }
            let amount: Fen = cell(Part::Amount).replace([',', ' '], "").parse().map_err(|_| RowWrong::Amount)?;
            if amount <= Fen::ZERO || amount.0 > MAX_AMOUNT {
                return Err(RowWrong::Amount);
            }
            let payer = Some(cell(Part::Payer)).filter(fits).ok_or(RowWrong::Payer)?.to_owned();
            let remark =
                Some(cell(Part::Remark)).filter(|text| text.is_empty() || fits(text)).ok_or(RowWrong::Remark)?;
            if let Some(earlier) = seen.insert(number.clone(), row) {
                return Err(RowWrong::Twice(earlier));
            }
            Ok(Receipt { number, day, amount, payer, remark: remark.to_owned() })
        };
        match read() {
            Ok(receipt) => receipts.push(receipt),
            Err(why) => wrong.push((row, why)),
        }
    }
    if wrong.is_empty() { Ok(receipts) } else { Err(wrong) }
}

/// Whose money it is, of employers by their names: whoever paid under the name, however it is typed. Nobody where no one
/// is called so, or two are: then a person says.
pub fn whose<'a>(
    receipt: &Receipt,
    employers: impl Iterator<Item = (OrganisationId, &'a str)>,
) -> Option<OrganisationId> {
    let payer = plain::normal(&receipt.payer);
    let mut called = employers.filter(|(_, name)| plain::normal(name) == payer);
    let found = called.next().map(|(employer, _)| employer);
    found.filter(|_| called.next().is_none())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row(number: u32, cells: [&str; 5]) -> Row<Part> {
        let cells = Part::ALL.iter().copied().zip(cells).filter(|(_, text)| !text.is_empty());
        (number, cells.map(|(part, text)| (part, text.to_owned())).collect())
    }

    #[test]
    fn each_line_says_what_arrived_or_what_is_wrong_with_it() {
        let today = "2026-11-30".parse().unwrap();
        let good = row(2, ["TEST-1", "2026/11/30", "12,345.60", "测试工厂", ""]);
        let read_one = read(vec![good.clone()], today).unwrap();
        assert_eq!((read_one[0].amount, read_one[0].day), (Fen(1_234_560), today));
        for (cells, expected) in [
            (["", "2026-11-30", "1", "测", ""], RowWrong::Number),
            (["TEST-2", "2026-12-01", "1", "测", ""], RowWrong::Day),
            (["TEST-2", "1.12.", "1", "测", ""], RowWrong::Day),
            (["TEST-2", "2026-11-30", "0", "测", ""], RowWrong::Amount),
            (["TEST-2", "2026-11-30", "-1", "测", ""], RowWrong::Amount),
            (["TEST-2", "2026-11-30", "1.234", "测", ""], RowWrong::Amount),
            (["TEST-2", "2026-11-30", "1", "", ""], RowWrong::Payer),
            (["TEST-2", "2026-11-30", "1", "测", &"长".repeat(141)], RowWrong::Remark),
            (["TEST-1", "2026-11-30", "1", "测", ""], RowWrong::Twice(2)),
        ] {
            assert_eq!(read(vec![good.clone(), row(3, cells)], today), Err(vec![(3, expected)]), "{cells:?}");
        }
    }

    #[test]
    fn money_is_an_employers_where_the_payer_is_called_so_and_nobodys_else() {
        let receipt = |payer: &str| Receipt {
            number: "TEST-1".to_owned(),
            day: "2026-11-30".parse().unwrap(),
            amount: Fen(1),
            payer: payer.to_owned(),
            remark: String::new(),
        };
        let employers = [1, 2].map(|number| OrganisationId(Uuid::from_u128(number)));
        let named = || employers.into_iter().zip(["测试工厂", "测试工厂（朝阳）"]);
        assert_eq!(whose(&receipt("测试工厂"), named()), Some(employers[0]));
        assert_eq!(whose(&receipt("测试工厂 (朝阳)"), named()), Some(employers[1]));
        assert_eq!(whose(&receipt("测试工"), named()), None);
        let twice = named().chain([(OrganisationId(Uuid::from_u128(3)), "测试 工厂")]);
        assert_eq!(whose(&receipt("测试工厂"), twice), None, "two are called so");
    }
}
