//! The ledger's tables: loading what some transfers concern in a few statements, and writing what became of it.

use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use sqlx::{QueryBuilder, Row as _};

use super::{
    Account, AccountKey, AccountKind, Applied, Book, CreditLimit, Entry, LastIds, LedgerError, Needs, Owner, Phase,
    Reference, Transfer, TransferKind, Unit,
};
use crate::db::dialect::{Connection, Engine, ROWS_PER_STATEMENT, Row};
use crate::db::{DbError, Tx, sets};
use crate::evidence::{self, Action, ActionKind, Column, RowImage};

/// Why [`post`] did not post.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The ledger refuses one of the transfers; none is posted.
    #[error("transfer {index} is refused")]
    Refused {
        /// Which, counted from 0.
        index: usize,
        /// Why.
        #[source]
        reason: LedgerError,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for PostError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// A transfer that stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The entry.
    pub entry: Entry,
    /// Whether it was there before.
    pub repeated: bool,
    /// Balance of the debited account after all transfers of the call.
    pub debit_balance: i64,
    /// Balance of the credited account after all transfers of the call.
    pub credit_balance: i64,
}

/// Posts transfers, all or none, with a leaf for each shard. A transfer whose reference was posted before with the
/// same content is answered again and moves nothing.
///
/// # Errors
/// [`PostError::Refused`] leaves the transaction as it was.
pub async fn post(tx: &mut Tx, at: Micros, transfers: &[Transfer]) -> Result<Vec<Posted>, PostError> {
    let needs = Needs::of(transfers);
    let mut book = load(tx.conn(), &needs.accounts, &needs.references).await?;
    let applied = transfers
        .iter()
        .enumerate()
        .map(|(index, transfer)| book.post(at, *transfer).map_err(|reason| PostError::Refused { index, reason }))
        .collect::<Result<Vec<_>, _>>()?;

    let new: Vec<Entry> = applied
        .iter()
        .filter_map(|applied| match applied {
            Applied::Posted(entry) => Some(*entry),
            Applied::Repeated(_) => None,
        })
        .collect();
    let shards: BTreeSet<Shard> = new.iter().map(|entry| entry.transfer.debit.shard).collect();
    let actions: Vec<Action> = shards
        .iter()
        .map(|shard| {
            let accounts = book.opened(0).filter(|account| account.key.shard == *shard).map(account_image);
            let entries = new.iter().filter(|entry| entry.transfer.debit.shard == *shard);
            let rows = accounts.chain(entries.map(|entry| transfer_image(&book, entry))).collect();
            Action::new(*shard, ActionKind::TransfersPosted, rows)
        })
        .collect();
    let leaves = evidence::append_all(tx, at, &actions).await?;
    let leaf_of: HashMap<Shard, i64> = leaves.iter().map(|leaf| (leaf.shard, leaf.leaf_id)).collect();
    let opened: Vec<_> = book.opened(0).map(|account| (*account, leaf_of[&account.key.shard])).collect();
    let entries: Vec<_> = new.iter().map(|entry| (*entry, leaf_of[&entry.transfer.debit.shard])).collect();
    save_accounts(tx.conn(), &book, &opened).await?;
    save_entries(tx.conn(), &book, &entries).await?;

    Ok(applied
        .iter()
        .map(|applied| {
            let entry = *applied.entry();
            Posted {
                entry,
                repeated: matches!(applied, Applied::Repeated(_)),
                debit_balance: book.balance(&entry.transfer.debit),
                credit_balance: book.balance(&entry.transfer.credit),
            }
        })
        .collect())
}

/// The balance of one account, zero for one that was never used.
pub async fn balance(connection: &mut Connection, key: &AccountKey) -> Result<i64, DbError> {
    let found =
        sqlx::query_scalar("SELECT balance FROM account WHERE shard = $1 AND owner = $2 AND kind = $3 AND unit = $4")
            .bind(i64::from(key.shard.0))
            .bind(key.owner.0.as_slice())
            .bind(key.kind.number())
            .bind(key.unit.number())
            .fetch_optional(connection)
            .await?;
    Ok(found.unwrap_or(0))
}

/// Loads the accounts of `keys` that exist, the transfers already posted under `references`, and the last numbers of
/// the shards concerned: three statements however many there are.
pub async fn load(
    connection: &mut Connection,
    keys: &[AccountKey],
    references: &[(Shard, Reference)],
) -> Result<Book, DbError> {
    let mut book = Book::default();
    let wanted: BTreeSet<_> = keys.iter().collect();
    let wanted = sets::json(
        wanted
            .iter()
            .map(|key| (i64::from(key.shard.0), sets::hex(&key.owner.0), key.kind.number(), key.unit.number())),
    );
    let rows = sqlx::query(
        "SELECT a.shard, a.account_id, a.unit, a.kind, a.owner, a.overdraft_allowed, a.balance
         FROM json_each($1) w CROSS JOIN account a
         ON a.shard = w.value ->> 0 AND a.owner = unhex(w.value ->> 1) AND a.kind = w.value ->> 2
            AND a.unit = w.value ->> 3",
    )
    .bind(wanted)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        book.load_account(account_from_row(row)?);
    }
    if !references.is_empty() {
        let wanted = sets::json(references.iter().map(|(shard, reference)| (shard.0, sets::hex(&reference.0))));
        let rows = sqlx::query(
            "SELECT t.shard, t.transfer_id, t.amount, t.kind, t.reference, t.unit, t.at,
                    d.owner AS debit_owner, d.kind AS debit_kind, c.owner AS credit_owner, c.kind AS credit_kind
             FROM json_each($1) w
             CROSS JOIN transfer t ON t.shard = w.value ->> 0 AND t.reference = unhex(w.value ->> 1)
             JOIN account d ON d.shard = t.shard AND d.account_id = t.debit
             JOIN account c ON c.shard = t.shard AND c.account_id = t.credit",
        )
        .bind(wanted)
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            book.load_entry(entry_from_row(row)?);
        }
    }
    let shards: BTreeSet<Shard> = keys.iter().map(|key| key.shard).collect();
    let rows = sqlx::query_as::<_, (i64, i64, i64)>(
        "SELECT w.value,
                COALESCE((SELECT MAX(account_id) FROM account WHERE shard = w.value), 0),
                COALESCE((SELECT MAX(transfer_id) FROM transfer WHERE shard = w.value), 0)
         FROM json_each($1) w",
    )
    .bind(sets::json(shards.iter().map(|shard| shard.0)))
    .fetch_all(&mut *connection)
    .await?;
    for (shard, account, transfer) in rows {
        book.load_last_ids(sets::shard(shard)?, LastIds { account, transfer });
    }
    Ok(book)
}

/// Writes accounts that were opened, each with the leaf that commits to it, and the balances that changed.
pub async fn save_accounts(connection: &mut Connection, book: &Book, opened: &[(Account, i64)]) -> Result<(), DbError> {
    for rows in opened.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::<Engine>::new(
            "INSERT INTO account (shard, account_id, unit, kind, owner, overdraft_allowed, balance, leaf) ",
        );
        insert.push_values(rows, |mut row, (account, leaf)| {
            row.push_bind(i64::from(account.key.shard.0))
                .push_bind(account.id)
                .push_bind(account.key.unit.number())
                .push_bind(account.key.kind.number())
                .push_bind(account.key.owner.0.to_vec())
                .push_bind(overdraft_allowed(account))
                // The book has the balance after the last transfer; what was opened is a picture of an earlier one.
                .push_bind(book.balance(&account.key))
                .push_bind(*leaf);
        });
        insert.build().execute(&mut *connection).await?;
    }
    if book.changed().next().is_none() {
        return Ok(());
    }
    let changed = sets::json(book.changed().map(|account| (account.key.shard.0, account.id, account.balance)));
    sqlx::query(
        "UPDATE account SET balance = w.value ->> 2 FROM json_each($1) w
         WHERE account.shard = w.value ->> 0 AND account.account_id = w.value ->> 1",
    )
    .bind(changed)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Writes transfers, each with the leaf that commits to it. Their accounts must be there.
pub async fn save_entries(connection: &mut Connection, book: &Book, entries: &[(Entry, i64)]) -> Result<(), DbError> {
    for rows in entries.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::<Engine>::new(
            "INSERT INTO transfer (shard, transfer_id, debit, credit, amount, unit, kind, reference, at, leaf) ",
        );
        insert.push_values(rows, |mut row, (entry, leaf)| {
            let transfer = &entry.transfer;
            assert_eq!(transfer.phase, Phase::Posted, "the table has no columns for holds and reversals");
            row.push_bind(i64::from(transfer.debit.shard.0))
                .push_bind(entry.id)
                .push_bind(account_id(book, &transfer.debit))
                .push_bind(account_id(book, &transfer.credit))
                .push_bind(transfer.amount)
                .push_bind(transfer.debit.unit.number())
                .push_bind(transfer.kind.number())
                .push_bind(transfer.reference.0.to_vec())
                .push_bind(entry.at.0)
                .push_bind(*leaf);
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// What a leaf commits to when it covers the opening of an account: everything but the balance.
pub fn account_image(account: &Account) -> RowImage {
    RowImage::new(
        "account",
        &[
            Column::Int(i64::from(account.key.shard.0)),
            Column::Int(account.id),
            Column::Int(account.key.unit.number()),
            Column::Int(account.key.kind.number()),
            Column::Bytes(&account.key.owner.0),
            Column::Int(overdraft_allowed(account)),
        ],
    )
}

/// What a leaf commits to when it covers a transfer.
pub fn transfer_image(book: &Book, entry: &Entry) -> RowImage {
    let transfer = &entry.transfer;
    RowImage::new(
        "transfer",
        &[
            Column::Int(i64::from(transfer.debit.shard.0)),
            Column::Int(entry.id),
            Column::Int(account_id(book, &transfer.debit)),
            Column::Int(account_id(book, &transfer.credit)),
            Column::Int(transfer.amount),
            Column::Int(transfer.debit.unit.number()),
            Column::Int(transfer.kind.number()),
            Column::Bytes(&transfer.reference.0),
            Column::Int(entry.at.0),
        ],
    )
}

fn account_id(book: &Book, key: &AccountKey) -> i64 {
    book.account(key).expect("a posted transfer's accounts are in its book").id
}

/// 1 for an account at an edge of the ledger. The table has no column for a limit between, and none is opened with one.
fn overdraft_allowed(account: &Account) -> i64 {
    i64::from(account.credit_limit == CreditLimit::UNLIMITED)
}

fn account_from_row(row: &Row) -> Result<Account, DbError> {
    Ok(Account {
        key: AccountKey {
            shard: sets::shard(row.try_get("shard")?)?,
            owner: Owner(sets::bytes(row, "owner")?),
            kind: account_kind(row.try_get("kind")?)?,
            unit: unit(row.try_get("unit")?)?,
        },
        id: row.try_get("account_id")?,
        credit_limit: match row.try_get("overdraft_allowed")? {
            0_i64 => CreditLimit::NO_OVERDRAFT,
            _ => CreditLimit::UNLIMITED,
        },
        balance: row.try_get("balance")?,
        held: 0,
    })
}

fn entry_from_row(row: &Row) -> Result<Entry, DbError> {
    let shard = sets::shard(row.try_get("shard")?)?;
    let unit = unit(row.try_get("unit")?)?;
    let key = |owner: &str, kind: &str| {
        Ok::<_, DbError>(AccountKey {
            shard,
            owner: Owner(sets::bytes(row, owner)?),
            kind: account_kind(row.try_get(kind)?)?,
            unit,
        })
    };
    Ok(Entry {
        id: row.try_get("transfer_id")?,
        at: Micros(row.try_get("at")?),
        transfer: Transfer {
            debit: key("debit_owner", "debit_kind")?,
            credit: key("credit_owner", "credit_kind")?,
            amount: row.try_get("amount")?,
            kind: TransferKind::from_number(row.try_get("kind")?).ok_or(DbError::Unreadable("transfer.kind"))?,
            reference: Reference(sets::bytes(row, "reference")?),
            phase: Phase::Posted,
        },
    })
}

fn account_kind(number: i64) -> Result<AccountKind, DbError> {
    AccountKind::from_number(number).ok_or(DbError::Unreadable("account.kind"))
}

fn unit(number: i64) -> Result<Unit, DbError> {
    Unit::from_number(number).ok_or(DbError::Unreadable("unit"))
}
