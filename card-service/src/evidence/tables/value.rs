//! Stored values, whatever their columns are meant to hold: as a leaf hashes them, and as files of an export write them.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::db;
use crate::evidence::leaf::Column;
use crate::hex;

/// A stored value, whatever its column is meant to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An integer.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Nothing.
    Null,
}

impl Value {
    /// As a leaf hashes it.
    pub fn column(&self) -> Column<'_> {
        match self {
            Self::Int(number) => Column::Int(*number),
            Self::Bytes(bytes) => Column::Bytes(bytes),
            Self::Text(text) => Column::Text(text),
            Self::Null => Column::Null,
        }
    }
}

impl From<db::Value> for Value {
    fn from(value: db::Value) -> Self {
        match value {
            db::Value::Int(value) => value.map(Self::Int),
            db::Value::Bytes(value) => value.map(Self::Bytes),
            db::Value::Text(value) => value.map(Self::Text),
        }
        .unwrap_or(Self::Null)
    }
}

impl From<&Value> for db::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Int(number) => Self::Int(Some(*number)),
            Value::Bytes(bytes) => Self::Bytes(Some(bytes.clone())),
            Value::Text(text) => Self::Text(Some(text.clone())),
            Value::Null => Self::Int(None),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// In files: numbers as such, text after a `t`, bytes in hexadecimal after an `x`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Bytes(bytes) => serializer.collect_str(&format_args!("x{}", hex::encode(bytes))),
            Self::Text(text) => serializer.collect_str(&format_args!("t{text}")),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, null, or a text that begins with t or x")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(E::custom)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        let value = match text.split_at_checked(1) {
            Some(("t", text)) => Some(Value::Text(text.to_owned())),
            Some(("x", hex)) => hex::decode(hex).map(Value::Bytes),
            _ => None,
        };
        value.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}
