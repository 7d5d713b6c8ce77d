//! A bill as the clinic types it: read from the form, with what is wrong and in which line. No I/O.

use card_schema::{
    coverage::{ItemCode, Line, Quantity},
    money::Fen,
    wire::clinic::{MAX_DIAGNOSIS, MAX_LINES},
};

use super::{counter::half_width, wrong::Wrong};
use crate::cli::messages::Language;

/// Rows that a new form has, and that are added when more are asked for.
const ROWS: usize = 5;

/// What was typed. What is empty is no line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) diagnosis: String,
    pub(super) referred: bool,
    pub(super) rows: Vec<Row>,
    /// Whether more rows are asked for, and nothing is to be reckoned yet.
    pub(super) wants_more: bool,
}

/// A row of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) item: String,
    pub(super) quantity: String,
    pub(super) price: String,
}

impl Row {
    fn is_empty(&self) -> bool {
        [&self.item, &self.quantity, &self.price].into_iter().all(|typed| typed.trim().is_empty())
    }
}

/// What is wrong in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowWrong {
    Item,
    Quantity,
    Price,
}

/// What is wrong with a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BillWrong {
    Diagnosis,
    NoLine,
    TooMany,
    /// In the row with this number, counted from 1.
    Row(usize, RowWrong),
}

impl Typed {
    /// A form with nothing in it.
    pub(super) fn empty() -> Self {
        Self { rows: vec![Row::default(); ROWS], ..Self::default() }
    }

    /// What the fields of a form say, in their order.
    pub(super) fn of(fields: &[(String, String)]) -> Self {
        let mut typed = Self::default();
        for (name, value) in fields {
            let value = value.clone();
            match (name.as_str(), typed.rows.last_mut()) {
                ("diagnosis", _) => typed.diagnosis = value,
                ("referred", _) => typed.referred = true,
                ("more", _) => typed.wants_more = true,
                ("item", _) => typed.rows.push(Row { item: value, ..Row::default() }),
                ("quantity", Some(row)) => row.quantity = value,
                ("price", Some(row)) => row.price = value,
                _ => {}
            }
        }
        if typed.wants_more {
            typed.rows.resize((typed.rows.len() + ROWS).min(MAX_LINES), Row::default());
        }
        if typed.rows.is_empty() {
            typed.rows = Self::empty().rows;
        }
        typed
    }

    /// The lines of the bill; those that are left empty are left out.
    pub(super) fn lines(&self) -> Result<Vec<Line>, BillWrong> {
        let diagnosis = self.diagnosis.trim();
        if diagnosis.is_empty() || diagnosis.chars().count() > MAX_DIAGNOSIS {
            return Err(BillWrong::Diagnosis);
        }
        let rows = self.rows.iter().zip(1..).filter(|(row, _)| !row.is_empty());
        let lines: Vec<_> = rows
            .map(|(row, place)| row.line().map_err(|wrong| BillWrong::Row(place, wrong)))
            .collect::<Result<_, _>>()?;
        match lines.len() {
            0 => Err(BillWrong::NoLine),
            1..=MAX_LINES => Ok(lines),
            _ => Err(BillWrong::TooMany),
        }
    }
}

impl Row {
    fn line(&self) -> Result<Line, RowWrong> {
        let plain = |typed: &str| typed.trim().chars().map(half_width).collect::<String>();
        let item: ItemCode = plain(&self.item).to_ascii_uppercase().parse().map_err(|_| RowWrong::Item)?;
        let quantity = match &*plain(&self.quantity) {
            "" => Quantity::ONE,
            typed => typed.parse().map_err(|_| RowWrong::Quantity)?,
        };
        let price = plain(&self.price);
        let price_fen: Fen =
            price.trim_start_matches('¥').trim_end_matches('元').trim().parse().map_err(|_| RowWrong::Price)?;
        if price_fen < Fen::ZERO { Err(RowWrong::Price) } else { Ok(Line { item, quantity, price_fen }) }
    }
}

impl From<BillWrong> for Wrong {
    fn from(wrong: BillWrong) -> Self {
        Self::Bill(wrong)
    }
}

impl BillWrong {
    /// What to do about it.
    pub(super) fn text(self, language: Language) -> String {
        let (place, zh, en) = match self {
            Self::Diagnosis => (
                None,
                "请填写诊断，一行，不超过 500 字。",
                "Write what the holder was treated for, in up to 500 characters.",
            ),
            Self::NoLine => (None, "请至少填写一项收费。", "Write at least one line."),
            Self::TooMany => (None, "一张账单最多 200 项，请分成两次就诊录入。", "A bill has at most 200 lines."),
            Self::Row(place, RowWrong::Item) => (
                Some(place),
                "项目编码由大写字母、数字、点和连字符组成，最多 32 位，例如 D1027。",
                "the code of an item is up to 32 capital letters, digits, dots and hyphens, such as D1027.",
            ),
            Self::Row(place, RowWrong::Quantity) => (
                Some(place),
                "数量须大于零，最多三位小数，例如 2 或 0.5。",
                "a quantity is above zero with at most three decimals, such as 2 or 0.5.",
            ),
            Self::Row(place, RowWrong::Price) => (
                Some(place),
                "单价以元为单位，不小于零，最多两位小数，例如 12.50。",
                "a price in yuan is zero or above with at most two decimals, such as 12.50.",
            ),
        };
        match (place, language) {
            (None, language) => language.choose(zh, en).to_owned(),
            (Some(place), Language::Zh) => format!("第 {place} 行：{zh}"),
            (Some(place), Language::En) => format!("Line {place}: {en}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(rows: &[[&str; 3]]) -> Vec<(String, String)> {
        let mut fields = vec![("diagnosis".to_owned(), "made-up".to_owned())];
        for row in rows {
            let named = ["item", "quantity", "price"].into_iter().zip(row);
            fields.extend(named.map(|(name, typed)| (name.to_owned(), (*typed).to_owned())));
        }
        fields
    }

    #[test]
    fn a_bill_is_read_as_people_type_it_and_empty_rows_are_left_out() {
        let typed = Typed::of(&fields(&[["d1027", "２", "12.5"], ["", " ", ""], ["S2018", "", "¥30000 元"]]));
        let lines = typed.lines().unwrap();
        let read: Vec<_> =
            lines.iter().map(|line| (line.item.as_str(), line.quantity.to_string(), line.price_fen.0)).collect();
        assert_eq!(read, [("D1027", "2".to_owned(), 1_250), ("S2018", "1".to_owned(), 3_000_000)]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_row_and_what_was_typed_stays() {
        for (row, wrong) in [
            (["no code", "1", "1"], RowWrong::Item),
            (["", "1", "1"], RowWrong::Item),
            (["S1", "-1", "1"], RowWrong::Quantity),
            (["S1", "0", "1"], RowWrong::Quantity),
            (["S1", "1", "-0.01"], RowWrong::Price),
            (["S1", "1", ""], RowWrong::Price),
            (["S1", "1", "1.234"], RowWrong::Price),
        ] {
            let typed = Typed::of(&fields(&[["S1", "1", "0"], ["", "", ""], row]));
            assert_eq!(typed.lines(), Err(BillWrong::Row(3, wrong)), "{row:?}");
            assert_eq!(typed.rows[2].item, row[0]);
        }
        assert_eq!(Typed::of(&fields(&[["", "", ""]])).lines(), Err(BillWrong::NoLine));
        assert_eq!(Typed::of(&fields(&vec![["S1", "1", "1"]; 201])).lines(), Err(BillWrong::TooMany));
        let none = Typed { diagnosis: " ".to_owned(), ..Typed::of(&fields(&[["S1", "1", "1"]])) };
        assert_eq!(none.lines(), Err(BillWrong::Diagnosis));
        let text = BillWrong::Row(3, RowWrong::Quantity);
        assert!(
            text.text(Language::En).starts_with("Line 3: a quantity") && text.text(Language::Zh).contains("第 3 行")
        );
    }

    #[test]
    fn more_rows_are_added_below_what_was_typed() {
        let mut asked = fields(&[["S1", "1", "1"]]);
        asked.push(("more".to_owned(), "yes".to_owned()));
        let typed = Typed::of(&asked);
        assert_eq!((typed.wants_more, typed.rows.len(), typed.rows[0].item.as_str()), (true, 1 + ROWS, "S1"));
        let mut most = fields(&vec![["S1", "1", "1"]; MAX_LINES]);
        most.push(("more".to_owned(), "yes".to_owned()));
        assert_eq!(Typed::of(&most).rows.len(), MAX_LINES);
        assert_eq!(Typed::empty().rows.len(), ROWS);
    }
}
