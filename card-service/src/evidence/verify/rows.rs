//! Rows against the leaves that commit to them.
//!
//! A leaf says which rows its action wrote and which earlier rows they replaced. So of all rows that were ever
//! recorded, those that no later leaf replaced must be there, each once, and no others. That finds a row that was
//! changed, taken out, put in, or put back to what it once was, in any table.

use super::super::export::Rows;
use super::super::leaf::{Body, Hash, Salt, salt_hash, salted};
use super::super::tables::{LEAF, LEAF_FOLD, LEAVES, TABLES, Table, Value};
use super::sort::{Fields, Records, Sorted, ordered};
use super::{Report, Row, VerifyError, tree};
use crate::folding::{self, store::FOLDED as FOLDED_KIND};
use crate::progress::Progress;

/// Shard, leaf, what it is, table, hash, line (of a row) or leaf (that replaced it).
const PIECE: usize = 8 + 8 + 1 + 1 + 32 + 8 + 8;

const ROW: u8 = 0;
const REPLACED: u8 = 1;
/// A later leaf says that nothing is left of it but its hash.
const FOLDED: u8 = 2;

/// What belongs to leaves: rows that point to them, and what later leaves say that they have replaced.
pub(super) struct Pieces {
    pieces: Records<PIECE>,
    leaves: tree::Leaves,
}

struct Piece {
    leaf: (i64, i64),
    what: u8,
    table: &'static Table,
    hash: Hash,
    line: u64,
    by: i64,
}

impl From<Fields<PIECE>> for Piece {
    fn from(mut fields: Fields<PIECE>) -> Self {
        Self {
            leaf: (fields.number(), fields.number()),
            what: fields.byte(),
            table: TABLES[usize::from(fields.byte())],
            hash: fields.bytes(),
            line: fields.count(),
            by: fields.number(),
        }
    }
}

fn number_of(table: &str) -> Option<u8> {
    TABLES.iter().position(|known| known.name == table).and_then(|number| u8::try_from(number).ok())
}

impl Pieces {
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self { pieces: Records::new()?, leaves: tree::Leaves::new()? })
    }

    /// Takes in what a row of any table has to say.
    pub(super) fn take(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        if *row.table == LEAVES {
            self.leaves.take(row, report)?;
            return self.take_replaced(row);
        }
        if *row.table == LEAF_FOLD {
            self.take_folded(row, report)?;
        }
        let Some(table) = number_of(row.table.name).filter(|_| row.table.committed > 0) else { return Ok(()) };
        let shard = row.table.leaf_shard.map_or(Some(0), |column| row.int(column));
        let (Some(shard), Some(leaf)) = (shard, row.int(LEAF)) else {
            report.find(row.name(), "it names no leaf");
            return Ok(());
        };
        let image = row.table.image(row.values);
        let (line, by) = (row.line.to_be_bytes(), ordered(0));
        self.pieces.push(&[&ordered(shard), &ordered(leaf), &[ROW, table], image.digest(), &line, &by])
    }

    fn take_replaced(&mut self, row: &Row<'_>) -> Result<(), VerifyError> {
        // What is wrong with a leaf is found when its turn comes.
        let Ok(Leaf { body, .. }) = Leaf::read(row) else { return Ok(()) };
        for replaced in &body.replaced {
            let Some(table) = number_of(&replaced.table) else { continue };
            let (shard, of, by) = (ordered(body.shard), ordered(replaced.leaf_id), ordered(body.leaf_id));
            self.pieces.push(&[&shard, &of, &[REPLACED, table], &replaced.hash, &row.line.to_be_bytes(), &by])?;
        }
        Ok(())
    }

    /// What a fold says of leaves.
    fn take_folded(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        let leaves = row.bytes("leaves").and_then(folding::rules::decoded);
        let (Some(shard), Some(by), Some(leaves)) = (row.int("shard"), row.int(LEAF), leaves) else {
            report.find(row.name(), "the leaves that it folds cannot be read");
            return Ok(());
        };
        let table = number_of(row.table.name).expect("a table of the export");
        for leaf in leaves {
            let (line, by) = (row.line.to_be_bytes(), ordered(by));
            self.pieces.push(&[&ordered(shard), &ordered(leaf), &[FOLDED, table], &[0; 32], &line, &by])?;
        }
        Ok(())
    }

    /// Compares; the leaves go on to the tree.
    pub(super) fn check(
        self,
        export: &dyn Rows,
        report: &mut Report,
        progress: &mut dyn Progress,
    ) -> Result<tree::Leaves, VerifyError> {
        let mut pieces = self.pieces.sorted()?;
        let (mut read, mut before) = (0, None);
        for (row, line) in export.of(&LEAVES)?.zip(1..) {
            let (values, bytes) = row?;
            read += bytes;
            progress.reach(read);
            let row = Row { table: &LEAVES, values: &values, line };
            let is_folded = row.int("kind") == Some(FOLDED_KIND);
            let leaf = Leaf::read(&row);
            let leaf = leaf.inspect_err(|problem| {
                if !is_folded {
                    report.find(row.name(), *problem);
                }
            });
            let Some(place) = row.int("shard").zip(row.int("leaf_id")).filter(|place| before < Some(*place)) else {
                report.find(row.name(), "is not in the order of its file");
                continue;
            };
            before = Some(place);
            without_leaf(&mut pieces, place, report)?;
            let mut own = Vec::new();
            while pieces.peek().is_some_and(|piece| Piece::from(piece).leaf == place) {
                own.extend(pieces.take()?.map(Piece::from));
            }
            // A leaf that was altered is named already; what it recorded cannot be told.
            match leaf {
                _ if is_folded => folded(&row, &own, report),
                Ok(leaf) => compare(&row, &leaf, own, report),
                Err(_) => {}
            }
        }
        without_leaf(&mut pieces, (i64::MAX, i64::MAX), report)?;
        Ok(self.leaves)
    }
}

/// A leaf whose columns are those that its body speaks of.
struct Leaf {
    salt: Option<Salt>,
    body: Body,
}

impl Leaf {
    fn read(row: &Row<'_>) -> Result<Self, &'static str> {
        let bytes = row.bytes("body").ok_or("its body is not bytes")?;
        let body = Body::decode(bytes).ok_or("its body is not a leaf's")?;
        if (row.int("shard"), row.int("leaf_id")) != (Some(body.shard), Some(body.leaf_id)) {
            return Err("its body is another leaf's");
        }
        if row.int("kind") != Some(i64::from(body.kind)) {
            return Err("its kind is not that of its body");
        }
        let salt = match row.value("salt") {
            Value::Null => None,
            Value::Bytes(salt) if salt_hash(salt) == body.salt_hash => {
                Some(salt.as_slice().try_into().map_err(|_| "its salt has another length")?)
            }
            _ => return Err("its salt is not the one it was written with"),
        };
        Ok(Self { salt, body })
    }
}

/// Compares a leaf of which its hash alone is there with what is said of it.
fn folded(row: &Row<'_>, pieces: &[Piece], report: &mut Report) {
    if row.array::<32>("body").is_none() || *row.value("salt") != Value::Null {
        report.find(row.name(), "is folded, and not to its hash alone");
    }
    match pieces.iter().filter(|piece| piece.what == FOLDED).count() {
        0 => report.find(row.name(), "is folded, and no leaf says so"),
        1 => report.folded_leaves += 1,
        _ => report.find(row.name(), "is said to be folded twice"),
    }
    for piece in pieces.iter().filter(|piece| piece.what == ROW) {
        report.find_line(piece.table, piece.line, "its leaf is folded");
    }
}

/// A row that a leaf recorded.
struct Entry<'a> {
    table: &'a str,
    hash: Hash,
    row: Option<u64>,
    replaced_by: Option<i64>,
}

/// Compares what a leaf recorded with the rows that point to it and with what later leaves replaced.
fn compare<'a>(row: &Row<'_>, leaf: &'a Leaf, pieces: Vec<Piece>, report: &mut Report) {
    let entry = |(table, hash): &'a (String, Hash)| Entry { table, hash: *hash, row: None, replaced_by: None };
    let mut entries: Vec<_> = leaf.body.rows.iter().map(entry).collect();
    let mut complained: Vec<&str> = Vec::new();
    for Piece { what, table, hash, line, by, .. } in pieces {
        if what == ROW {
            let Some(salt) = &leaf.salt else {
                report.find_line(table, line, "the salt of its leaf is gone");
                complained.push(table.name);
                continue;
            };
            let hash = salted(&hash, salt);
            let entry = entries.iter_mut().find(|e| e.table == table.name && e.hash == hash && e.row.is_none());
            if let Some(entry) = entry {
                entry.row = Some(line);
            } else {
                report.find_line(table, line, "is not the row that its leaf recorded");
                complained.push(table.name);
            }
        } else if what == FOLDED {
            report.find_line(
                table,
                line,
                format!("folds leaf {} of its shard, which is not folded", leaf.body.leaf_id),
            );
        } else {
            match entries.iter_mut().find(|e| e.table == table.name && e.hash == hash && e.replaced_by.is_none()) {
                Some(entry) => entry.replaced_by = Some(by),
                None => report.find_line(&LEAVES, line, replaces_nothing(table)),
            }
        }
    }
    for Entry { table, row: found, replaced_by, .. } in entries {
        let Some(table) = TABLES.iter().find(|known| known.name == table && known.committed > 0) else {
            report.find(row.name(), format!("records a row of {table}, which is not exported"));
            continue;
        };
        match (found, replaced_by) {
            (Some(_), None) => *report.rows.entry(table.name).or_default() += 1,
            (None, Some(_)) => report.replaced_rows += 1,
            (Some(line), Some(by)) => {
                report.find_line(table, line, format!("is what it was before leaf {by} recorded that it changed"));
            }
            (None, None) if leaf.salt.is_none() => {
                report.find(row.name(), "its salt was erased while its rows are still recorded");
            }
            (None, None) if complained.contains(&table.name) => {}
            (None, None) => report.find(row.name(), format!("the {} row that it records is missing", table.name)),
        }
    }
}

fn replaces_nothing(table: &Table) -> String {
    format!("replaces a {} row that was not recorded", table.name)
}

/// Pieces of leaves before this place, which are not there.
fn without_leaf(pieces: &mut Sorted<PIECE>, place: (i64, i64), report: &mut Report) -> Result<(), VerifyError> {
    while let Some(piece) = pieces.peek().map(Piece::from).filter(|piece| piece.leaf < place) {
        if piece.what == ROW {
            report.find_line(piece.table, piece.line, "no leaf records it");
        } else if piece.what == FOLDED {
            report.find_line(piece.table, piece.line, format!("folds leaf {}, which is not there", piece.leaf.1));
        } else {
            report.find_line(&LEAVES, piece.line, replaces_nothing(piece.table));
        }
        pieces.take()?;
    }
    Ok(())
}
