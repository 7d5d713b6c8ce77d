//! Many rows at once into `PostgreSQL`: `COPY … (FORMAT binary)`,
//! <https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4>. The server then neither plans nor materialises what it
//! is sent, and fills a page at a time.

use sqlx::PgConnection;

use super::DbError;
use super::value::{Column, Rows};

/// Signature, no flags, no extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a number of columns: there are no more rows.
const END: i16 = -1;
/// In the place of a length: there is no value.
const NULL: i32 = -1;
/// From this many rows on: below it, setting a copy up costs more than it saves.
pub(super) const FEWEST_ROWS: usize = 64;
/// What is sent in one piece.
const PIECE: usize = 1 << 20;

/// Writes rows into a table.
pub(super) async fn copy_in(connection: &mut PgConnection, table: &str, rows: Rows) -> Result<(), DbError> {
    let mut copy =
        connection.copy_in_raw(&format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", rows.names())).await?;
    let mut piece = HEADER.to_vec();
    let columns = rows.columns();
    let width = i16::try_from(columns.len()).expect("tables are narrow");
    for row in 0..rows.len() {
        piece.extend(width.to_be_bytes());
        for (_, column) in columns {
            put(&mut piece, column, row);
        }
        if piece.len() > PIECE {
            copy.send(piece.as_slice()).await?;
            piece.clear();
        }
    }
    piece.extend(END.to_be_bytes());
    copy.send(piece.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

fn put(piece: &mut Vec<u8>, column: &Column, row: usize) {
    let number = |number: i64| number.to_be_bytes();
    match column {
        Column::Ints(values) => put_value(piece, Some(&number(values[row]))),
        Column::OptionalInts(values) => put_value(piece, values[row].map(number).as_ref().map(<[u8; 8]>::as_slice)),
        Column::Bytes(values) => put_value(piece, Some(&values[row])),
        Column::OptionalBytes(values) => put_value(piece, values[row].as_deref()),
        Column::Texts(values) => put_value(piece, Some(values[row].as_bytes())),
        Column::OptionalTexts(values) => put_value(piece, values[row].as_deref().map(str::as_bytes)),
    }
}

fn put_value(piece: &mut Vec<u8>, value: Option<&[u8]>) {
    // Nothing that is bound comes near two gigabytes: the server takes one at most.
    let length = value.map_or(NULL, |value| i32::try_from(value.len()).expect("a value is shorter than two gigabytes"));
    piece.extend(length.to_be_bytes());
    piece.extend_from_slice(value.unwrap_or_default());
}
