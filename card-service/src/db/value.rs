//! What is bound to statements: one value, and columns of many. All of our columns are 64-bit integers, bytes or text.

use std::borrow::Cow;
use std::mem::take;

use card_schema::ids::{CardId, ClaimId, HolderId, OrganisationId, Shard, SiteId, TapId, TerminalId};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Encode, Type};
use uuid::Uuid;

use super::DbError;

/// One value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, a time, a truth value as 0 or 1.
    Int(Option<i64>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// Text.
    Text(Option<String>),
}

macro_rules! value_from {
    ($($type:ty, $name:ident => $value:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($name: $type) -> Self {
                $value
            }
        }
    )+};
}

value_from! {
    i64, number => Self::Int(Some(number));
    Option<i64>, number => Self::Int(number);
    Shard, shard => Self::Int(Some(i64::from(shard.0)));
    Vec<u8>, bytes => Self::Bytes(Some(bytes));
    Option<Vec<u8>>, bytes => Self::Bytes(bytes);
    &[u8], bytes => Self::Bytes(Some(bytes.to_vec()));
    &str, text => Self::Text(Some(text.to_owned()));
    String, text => Self::Text(Some(text));
    Option<String>, text => Self::Text(text);
    &Option<String>, text => Self::Text(text.clone());
    &Vec<u8>, bytes => Self::Bytes(Some(bytes.clone()));
    &String, text => Self::Text(Some(text.clone()));
    CardId, id => id.as_bytes().as_slice().into();
    HolderId, id => id.as_bytes().as_slice().into();
    ClaimId, id => id.as_bytes().as_slice().into();
    TerminalId, id => id.as_bytes().as_slice().into();
    OrganisationId, id => id.as_bytes().as_slice().into();
    SiteId, id => id.as_bytes().as_slice().into();
    TapId, id => id.0.as_slice().into();
    Uuid, id => id.as_bytes().as_slice().into();
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl Value {
    /// Binds it to a statement of either engine.
    pub(super) fn bind<A: Arguments>(self, arguments: &mut A) -> Result<(), DbError>
    where
        for<'q> Option<i64>: Encode<'q, A::Database> + Type<A::Database>,
        for<'q> Option<Vec<u8>>: Encode<'q, A::Database> + Type<A::Database>,
        for<'q> Option<String>: Encode<'q, A::Database> + Type<A::Database>,
    {
        match self {
            Self::Int(number) => arguments.add(number),
            Self::Bytes(bytes) => arguments.add(bytes),
            Self::Text(text) => arguments.add(text),
        }
        .map_err(|error| sqlx::Error::Encode(error).into())
    }
}

/// Rows that one statement takes on `SQLite`: more gain nothing measurable, fewer pay sqlx's 45 µs a statement.
const MOST_ROWS: usize = 128;

/// The values of one column in many rows.
#[derive(Clone, Debug)]
pub(super) enum Column {
    Ints(Vec<i64>),
    OptionalInts(Vec<Option<i64>>),
    Bytes(Vec<Vec<u8>>),
    OptionalBytes(Vec<Option<Vec<u8>>>),
    Texts(Vec<String>),
    OptionalTexts(Vec<Option<String>>),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ints,
    Bytes,
    Texts,
}

impl Kind {
    /// No values yet; any of them may be missing.
    fn column(self, room: usize) -> Column {
        match self {
            Self::Ints => Column::OptionalInts(Vec::with_capacity(room)),
            Self::Bytes => Column::OptionalBytes(Vec::with_capacity(room)),
            Self::Texts => Column::OptionalTexts(Vec::with_capacity(room)),
        }
    }
}

impl Column {
    /// One value more. `SQLite` does not say of a value that is missing what it would have been.
    fn push(&mut self, value: Value) -> Result<(), DbError> {
        match (self, value) {
            (Self::OptionalInts(values), Value::Int(value)) => values.push(value),
            (Self::OptionalBytes(values), Value::Bytes(value)) => values.push(value),
            (Self::OptionalBytes(values), Value::Int(None)) => values.push(None),
            (Self::OptionalTexts(values), Value::Text(value)) => values.push(value),
            (Self::OptionalTexts(values), Value::Int(None)) => values.push(None),
            _ => return Err(DbError::Unreadable("a column holds what it is not declared to hold")),
        }
        Ok(())
    }

    /// The values behind the first `at`, which stay.
    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Ints(values) => Self::Ints(values.split_off(at)),
            Self::OptionalInts(values) => Self::OptionalInts(values.split_off(at)),
            Self::Bytes(values) => Self::Bytes(values.split_off(at)),
            Self::OptionalBytes(values) => Self::OptionalBytes(values.split_off(at)),
            Self::Texts(values) => Self::Texts(values.split_off(at)),
            Self::OptionalTexts(values) => Self::OptionalTexts(values.split_off(at)),
        }
    }

    /// Binds the value of one row, which is taken out.
    fn bind(&mut self, row: usize, arguments: &mut SqliteArguments) -> Result<(), DbError> {
        match self {
            Self::Ints(values) => arguments.add(values[row]),
            Self::OptionalInts(values) => arguments.add(values[row]),
            Self::Bytes(values) => arguments.add(take(&mut values[row])),
            Self::OptionalBytes(values) => arguments.add(values[row].take()),
            Self::Texts(values) => arguments.add(take(&mut values[row])),
            Self::OptionalTexts(values) => arguments.add(values[row].take()),
        }
        .map_err(|error| sqlx::Error::Encode(error).into())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::OptionalInts(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::OptionalBytes(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::OptionalTexts(values) => values.len(),
        }
    }
}

/// Rows by column: what one statement writes, or looks up. Every column has as many values as the others.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    columns: Vec<(Cow<'static, str>, Column)>,
}

impl Rows {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A column of numbers.
    #[must_use]
    pub fn ints(self, name: &'static str, values: impl Iterator<Item = i64>) -> Self {
        self.with(name, Column::Ints(values.collect()))
    }

    /// A column of numbers that may be missing.
    #[must_use]
    pub fn optional_ints(self, name: &'static str, values: impl Iterator<Item = Option<i64>>) -> Self {
        self.with(name, Column::OptionalInts(values.collect()))
    }

    /// A column of bytes.
    #[must_use]
    pub fn bytes<B: Into<Vec<u8>>>(self, name: &'static str, values: impl Iterator<Item = B>) -> Self {
        self.with(name, Column::Bytes(values.map(Into::into).collect()))
    }

    /// A column of bytes that may be missing.
    #[must_use]
    pub fn optional_bytes(self, name: &'static str, values: impl Iterator<Item = Option<Vec<u8>>>) -> Self {
        self.with(name, Column::OptionalBytes(values.collect()))
    }

    /// A column of text.
    #[must_use]
    pub fn texts<S: Into<String>>(self, name: &'static str, values: impl Iterator<Item = S>) -> Self {
        self.with(name, Column::Texts(values.map(Into::into).collect()))
    }

    /// Rows of a table whose columns nobody has written down: each has as many values as there are columns.
    ///
    /// # Errors
    /// [`DbError::Unreadable`] where a value is not what its column holds.
    pub(super) fn of_table(columns: &[(String, Kind)], rows: Vec<Vec<Value>>) -> Result<Self, DbError> {
        let mut made: Vec<_> =
            columns.iter().map(|(name, kind)| (name.clone().into(), kind.column(rows.len()))).collect();
        for row in rows {
            for ((_, column), value) in made.iter_mut().zip(row) {
                column.push(value)?;
            }
        }
        Ok(Self { columns: made })
    }

    fn with(mut self, name: &'static str, column: Column) -> Self {
        assert!(
            self.columns.first().is_none_or(|(_, first)| first.len() == column.len()),
            "a column of another length"
        );
        self.columns.push((name.into(), column));
        self
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in parts of 128, and of 64, 32, … down to one: any number of rows takes statements of eight lengths.
    pub(super) fn parts(mut self) -> Vec<Self> {
        let mut parts = Vec::with_capacity(self.len() / MOST_ROWS + 8);
        // From the end, so that no value is moved twice.
        let mut left = self.len();
        for bit in 0..MOST_ROWS.ilog2() {
            if left >> bit & 1 == 1 {
                left -= 1 << bit;
                parts.push(self.split_off(left));
            }
        }
        while left > 0 {
            left -= MOST_ROWS;
            parts.push(self.split_off(left));
        }
        parts.reverse();
        parts
    }

    fn split_off(&mut self, at: usize) -> Self {
        Self { columns: self.columns.iter_mut().map(|(name, column)| (name.clone(), column.split_off(at))).collect() }
    }

    /// Binds every value, row by row.
    pub(super) fn bind(mut self, arguments: &mut SqliteArguments) -> Result<(), DbError> {
        let rows = self.len();
        arguments.reserve(rows * self.columns.len(), 0);
        for row in 0..rows {
            for (_, column) in &mut self.columns {
                column.bind(row, arguments)?;
            }
        }
        Ok(())
    }

    pub(super) fn columns(&self) -> &[(Cow<'static, str>, Column)] {
        &self.columns
    }

    pub(super) fn into_columns(self) -> Vec<(Cow<'static, str>, Column)> {
        self.columns
    }

    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>().join(", ")
    }
}
