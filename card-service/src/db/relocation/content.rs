//! What a table holds, as two engines can be asked for it in whatever order.

use ring::digest::{Context, SHA256};

use super::super::Value;

/// How many rows, and all of them together: the SHA-256 of each, added without carry, so that their order does not
/// matter. Says of two tables whether a copy went wrong; it is no defence against somebody who chooses the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) rows: u64,
    sum: [u8; 32],
}

impl Content {
    /// One row more. How many bytes its values take.
    pub(super) fn add(&mut self, row: &[Value]) -> usize {
        let (mut hash, mut bytes) = (Context::new(&SHA256), 0);
        let mut update = |part: &[u8]| {
            hash.update(part);
            bytes += part.len();
        };
        for value in row {
            match value {
                Value::Int(None) | Value::Bytes(None) | Value::Text(None) => update(&[0]),
                Value::Int(Some(number)) => {
                    update(&[1]);
                    update(&number.to_be_bytes());
                }
                Value::Bytes(Some(value)) => {
                    update(&[2]);
                    update(&(value.len() as u64).to_be_bytes());
                    update(value);
                }
                Value::Text(Some(value)) => {
                    update(&[3]);
                    update(&(value.len() as u64).to_be_bytes());
                    update(value.as_bytes());
                }
            }
        }
        for (sum, byte) in self.sum.iter_mut().zip(hash.finish().as_ref()) {
            *sum ^= byte;
        }
        self.rows += 1;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(rows: &[&[Value]]) -> Content {
        let mut content = Content::default();
        for row in rows {
            content.add(row);
        }
        content
    }

    #[test]
    fn any_order_is_the_same_and_any_other_value_place_or_count_is_not() {
        let (one, two) = ([Value::from(1), Value::from("a")], [Value::from(2), Value::from("")]);
        let whole = content(&[&one, &two]);
        assert_eq!(whole, content(&[&two, &one]));
        let missing = [Value::Int(Some(2)), Value::Text(None)];
        let bytes = [Value::from(2), Value::from(b"")];
        let elsewhere = [[Value::from(1), Value::from("")], [Value::from(2), Value::from("a")]];
        let moved = [[Value::from("ab"), Value::from("c")], [Value::from("a"), Value::from("bc")]];
        assert_ne!(content(&[&moved[0]]), content(&[&moved[1]]));
        for other in [
            content(&[&one]),
            content(&[&one, &two, &two]),
            content(&[&one, &missing]),
            content(&[&one, &bytes]),
            content(&[&elsewhere[0], &elsewhere[1]]),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn a_value_that_is_missing_is_the_same_on_either_engine() {
        assert_eq!(content(&[&[Value::Int(None)]]), content(&[&[Value::Bytes(None)]]));
    }
}
