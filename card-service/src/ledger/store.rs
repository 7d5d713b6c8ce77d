//! The ledger's tables: loading what some transfers concern in a few statements, and writing what became of it.

mod of_taps;

use std::collections::{BTreeMap, HashMap};

use super::{
    Account, AccountKey, AccountKind, Book, CreditLimit, Entry, LastIds, Linked, Named, Needs, Owner, Phase, Reference,
    Refused, Transfer, TransferKind, Unit,
};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert, query};
use crate::evidence::{self, Action, ActionKind, Column, RowImage};
use card_schema::clock::Micros;
use card_schema::ids::Shard;

pub use of_taps::of_taps;

/// What became of linked transfers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// All are new and stand now.
    New(Vec<Entry>),
    /// All were posted before; nothing moved.
    Repeated,
}

/// Posts chains of linked transfers in their order, each chain wholly or not at all, and whatever becomes of the others.
/// One leaf a shard speaks for all of them. For each chain what became of it, or why it is refused.
///
/// # Errors
/// When the database fails; then nothing is posted.
pub async fn post(tx: &mut Tx, at: Micros, chains: &[Vec<Transfer>]) -> Result<Vec<Result<Posted, Refused>>, DbError> {
    let needs = Needs::of(chains.iter().flatten());
    tx.lock(needs.shards()).await?;
    let mut book = load(tx, &needs).await?;
    post_in(tx, at, chains, &mut book).await
}

/// The same in a book that holds what the chains need, of shards that are locked.
///
/// # Errors
/// As [`post`].
pub async fn post_in(
    tx: &mut Tx,
    at: Micros,
    chains: &[Vec<Transfer>],
    book: &mut Book,
) -> Result<Vec<Result<Posted, Refused>>, DbError> {
    let mut outcomes = Vec::with_capacity(chains.len());
    let mut new: BTreeMap<Shard, Vec<Entry>> = BTreeMap::new();
    for chain in chains {
        outcomes.push(book.post_linked(at, chain).map(|linked| match linked {
            Linked::Repeated => Posted::Repeated,
            Linked::Posted(entries) => {
                for entry in entries {
                    new.entry(entry.transfer.debit.shard).or_default().push(*entry);
                }
                Posted::New(entries.to_vec())
            }
        }));
    }
    let mut opened: BTreeMap<Shard, Vec<Account>> = BTreeMap::new();
    for account in book.opened(0) {
        opened.entry(account.key.shard).or_default().push(*account);
    }
    let actions = new.iter().map(|(shard, entries)| {
        let accounts = opened.get(shard).into_iter().flatten().map(account_image);
        let rows = accounts.chain(entries.iter().map(|entry| transfer_image(book, entry))).collect();
        Action::new(*shard, ActionKind::TransfersPosted, rows)
    });
    let leaves = evidence::append_all(tx, at, actions.collect()).await?;
    let leaf_of: BTreeMap<Shard, i64> = leaves.iter().map(|leaf| (leaf.shard, leaf.leaf_id)).collect();
    let opened: Vec<_> = opened.into_values().flatten().map(|account| (account, leaf_of[&account.key.shard])).collect();
    let entries: Vec<_> =
        new.into_values().flatten().map(|entry| (entry, leaf_of[&entry.transfer.debit.shard])).collect();
    save(tx, book, &opened, &entries).await?;
    Ok(outcomes)
}

/// Ends holds whose time is over, a number of them at a time. How many there were.
///
/// # Errors
/// When the database fails; then none is ended.
pub async fn expire(tx: &mut Tx, at: Micros, limit: usize) -> Result<usize, DbError> {
    let rows = query(
        "SELECT h.shard, h.transfer_id FROM shard s CROSS JOIN open_hold h
         WHERE h.shard = s.shard AND h.expires_at <= $1 ORDER BY h.shard LIMIT $2",
    )
    .bind(at.0)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(tx.conn())
    .await?;
    let over = rows.iter().map(|row| Ok((columns::shard(row.get("shard")?)?, row.get("transfer_id")?)));
    let over = over.collect::<Result<Vec<(Shard, i64)>, DbError>>()?;
    tx.lock(over.iter().map(|(shard, _)| *shard)).await?;
    // Some may have been ended by others before their shard was locked: those are refused, and that is well.
    let holds = load_named(tx.conn(), &over).await?;
    let chains: Vec<_> = holds.iter().map(|hold| vec![hold.entry.expiry()]).collect();
    Ok(post(tx, at, &chains).await?.iter().filter(|outcome| outcome.is_ok()).count())
}

/// The balance of one account, zero for one that was never used.
pub async fn balance(connection: &mut Connection, key: &AccountKey) -> Result<i64, DbError> {
    let found = query("SELECT balance FROM account WHERE shard = $1 AND owner = $2 AND kind = $3 AND unit = $4")
        .bind(key.shard)
        .bind(key.owner.0.as_slice())
        .bind(key.kind.number())
        .bind(key.unit.number())
        .scalar(connection)
        .await?;
    Ok(found.unwrap_or(0))
}

/// Every account there is.
///
/// # Errors
/// When the database fails, or holds what this program did not write.
#[cfg(test)]
pub(super) async fn all_accounts(connection: &mut Connection) -> Result<Vec<Account>, DbError> {
    let sql = "SELECT shard, account_id, unit, kind, owner, credit_limit, balance, held FROM account";
    query(sql).all(connection).await?.iter().map(account_from_row).collect()
}

/// Loads what transfers need: three statements at most, however many there are. Their shards are locked.
///
/// # Errors
/// When the database fails, or holds what this program did not write.
pub async fn load(tx: &mut Tx, needs: &Needs) -> Result<Book, DbError> {
    let shards: Vec<Shard> = needs.shards().collect();
    load_shards(tx, needs, &shards).await
}

/// The same where some accounts of these shards need not be read.
pub(super) async fn load_shards(tx: &mut Tx, needs: &Needs, shards: &[Shard]) -> Result<Book, DbError> {
    let mut book = Book::default();
    for account in load_accounts(tx.conn(), &needs.accounts).await? {
        book.load_account(account);
    }
    for entry in caused(tx.conn(), &needs.references).await? {
        book.load_entry(entry);
    }
    for named in load_named(tx.conn(), &needs.named).await? {
        book.load_named(named);
    }
    for shard in shards {
        book.load_last_ids(*shard, last_ids(tx, *shard));
    }
    Ok(book)
}

/// The numbers that a locked shard has used.
pub(super) fn last_ids(tx: &mut Tx, shard: Shard) -> LastIds {
    let numbers = tx.numbers(shard);
    LastIds { account: numbers.account, transfer: numbers.transfer }
}

/// Those of these accounts that there are.
async fn load_accounts(connection: &mut Connection, keys: &[AccountKey]) -> Result<Vec<Account>, DbError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Rows::new()
        .ints("shard", keys.iter().map(|key| i64::from(key.shard.0)))
        .bytes("owner", keys.iter().map(|key| key.owner.0))
        .ints("kind", keys.iter().map(|key| key.kind.number()))
        .ints("unit", keys.iter().map(|key| key.unit.number()));
    let rows = query(
        "SELECT a.shard, a.account_id, a.unit, a.kind, a.owner, a.credit_limit, a.balance, a.held
         FROM {wanted} CROSS JOIN account a
         WHERE a.shard = wanted.shard AND a.owner = wanted.owner AND a.kind = wanted.kind AND a.unit = wanted.unit",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter().map(account_from_row).collect()
}

const ENTRY: &str = "SELECT t.shard, t.transfer_id, t.amount, t.kind, t.reference, t.unit, t.at, t.phase, t.refers_to,
        t.timeout, d.owner AS debit_owner, d.kind AS debit_kind, c.owner AS credit_owner, c.kind AS credit_kind";
const ITS_ACCOUNTS: &str = "CROSS JOIN account d CROSS JOIN account c";
const ARE_ITS_ACCOUNTS: &str =
    "d.shard = t.shard AND d.account_id = t.debit AND c.shard = t.shard AND c.account_id = t.credit";

/// What these causes have brought about.
///
/// # Errors
/// When the database fails, or holds what this program did not write.
pub async fn caused(connection: &mut Connection, causes: &[(Shard, Reference)]) -> Result<Vec<Entry>, DbError> {
    if causes.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Rows::new()
        .ints("shard", causes.iter().map(|(shard, _)| i64::from(shard.0)))
        .bytes("reference", causes.iter().map(|(_, reference)| reference.0));
    let rows = query(format!(
        "{ENTRY} FROM {{wanted}} CROSS JOIN transfer t {ITS_ACCOUNTS}
         WHERE t.shard = wanted.shard AND t.reference = wanted.reference AND t.phase <> 5 AND {ARE_ITS_ACCOUNTS}"
    ))
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter().map(entry_from_row).collect()
}

/// Transfers by their numbers, each with what has become of it.
async fn load_named(connection: &mut Connection, named: &[(Shard, i64)]) -> Result<Vec<Named>, DbError> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = || {
        Rows::new()
            .ints("shard", named.iter().map(|(shard, _)| i64::from(shard.0)))
            .ints("id", named.iter().map(|(_, id)| *id))
    };
    let rows = query(format!(
        "{ENTRY}, CAST((SELECT COALESCE(SUM(r.amount), 0) FROM transfer r
            WHERE r.shard = t.shard AND r.refers_to = t.transfer_id AND r.phase = 6) AS BIGINT) AS reversed
         FROM {{wanted}} CROSS JOIN transfer t {ITS_ACCOUNTS}
         WHERE t.shard = wanted.shard AND t.transfer_id = wanted.id AND {ARE_ITS_ACCOUNTS}"
    ))
    .set("wanted", wanted())
    .all(connection)
    .await?;
    let ends = query(format!(
        "{ENTRY} FROM {{wanted}} CROSS JOIN transfer t {ITS_ACCOUNTS}
         WHERE t.shard = wanted.shard AND t.refers_to = wanted.id AND t.phase IN (3, 4, 5) AND {ARE_ITS_ACCOUNTS}"
    ))
    .set("wanted", wanted())
    .all(connection)
    .await?;
    let ends = ends.iter().map(entry_from_row).collect::<Result<Vec<_>, _>>()?;
    let ends: HashMap<_, _> =
        ends.into_iter().map(|end| ((end.transfer.debit.shard, end.transfer.phase.refers_to()), end)).collect();
    rows.iter()
        .map(|row| {
            let entry = entry_from_row(row)?;
            let ended_by = ends.get(&(entry.transfer.debit.shard, Some(entry.id))).copied();
            Ok(Named { entry, ended_by, reversed: row.get("reversed")? })
        })
        .collect()
}

/// Writes what a book holds that is not stored: accounts that were opened and transfers, each with the leaf that
/// commits to it, balances that changed, and which holds are open.
///
/// # Errors
/// When the database fails.
pub async fn save(
    tx: &mut Tx,
    book: &Book,
    opened: &[(Account, i64)],
    entries: &[(Entry, i64)],
) -> Result<(), DbError> {
    for (shard, last) in book.last_ids() {
        let numbers = tx.numbers(shard);
        (numbers.account, numbers.transfer) = (last.account, last.transfer);
    }
    save_opened(tx.conn(), book, opened).await?;
    save_changed(tx.conn(), book).await?;
    save_entries(tx.conn(), book, entries).await?;
    save_holds(tx.conn(), book, entries).await
}

async fn save_opened(connection: &mut Connection, book: &Book, opened: &[(Account, i64)]) -> Result<(), DbError> {
    let accounts = || opened.iter().map(|(account, _)| account);
    // The book has the balance after the last transfer; what was opened is a picture of an earlier one.
    let now = |account: &Account| *book.account(&account.key).unwrap_or(account);
    let rows = Rows::new()
        .ints("shard", accounts().map(|account| i64::from(account.key.shard.0)))
        .ints("account_id", accounts().map(|account| account.id))
        .ints("unit", accounts().map(|account| account.key.unit.number()))
        .ints("kind", accounts().map(|account| account.key.kind.number()))
        .bytes("owner", accounts().map(|account| account.key.owner.0))
        .ints("credit_limit", accounts().map(|account| account.credit_limit.get()))
        .ints("balance", accounts().map(|account| now(account).balance))
        .ints("held", accounts().map(|account| now(account).held))
        .ints("leaf", opened.iter().map(|(_, leaf)| *leaf));
    insert(connection, "account", rows, "").await
}

async fn save_changed(connection: &mut Connection, book: &Book) -> Result<(), DbError> {
    let changed: Vec<&Account> = book.changed().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let rows = Rows::new()
        .ints("shard", changed.iter().map(|account| i64::from(account.key.shard.0)))
        .ints("account_id", changed.iter().map(|account| account.id))
        .ints("balance", changed.iter().map(|account| account.balance))
        .ints("held", changed.iter().map(|account| account.held));
    query(
        "UPDATE account SET balance = changed.balance, held = changed.held FROM {changed}
         WHERE account.shard = changed.shard AND account.account_id = changed.account_id",
    )
    .set("changed", rows)
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_entries(connection: &mut Connection, book: &Book, entries: &[(Entry, i64)]) -> Result<(), DbError> {
    let transfers = || entries.iter().map(|(entry, _)| &entry.transfer);
    let rows = Rows::new()
        .ints("shard", transfers().map(|transfer| i64::from(transfer.debit.shard.0)))
        .ints("transfer_id", entries.iter().map(|(entry, _)| entry.id))
        .ints("debit", transfers().map(|transfer| account_id(book, &transfer.debit)))
        .ints("credit", transfers().map(|transfer| account_id(book, &transfer.credit)))
        .ints("amount", transfers().map(|transfer| transfer.amount))
        .ints("unit", transfers().map(|transfer| transfer.debit.unit.number()))
        .ints("kind", transfers().map(|transfer| transfer.kind.number()))
        .optional_bytes(
            "reference",
            transfers().map(|transfer| transfer.reference.map(|reference| reference.0.to_vec())),
        )
        .ints("at", entries.iter().map(|(entry, _)| entry.at.0))
        .ints("phase", transfers().map(|transfer| transfer.phase.number()))
        .optional_ints("refers_to", transfers().map(|transfer| transfer.phase.refers_to()))
        .optional_ints("timeout", transfers().map(|transfer| transfer.phase.timeout_micros()))
        .ints("leaf", entries.iter().map(|(_, leaf)| *leaf));
    insert(connection, "transfer", rows, "").await
}

/// Notes holds that were opened, and forgets those that were ended.
async fn save_holds(connection: &mut Connection, book: &Book, entries: &[(Entry, i64)]) -> Result<(), DbError> {
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    for (entry, _) in entries {
        let shard = entry.transfer.debit.shard;
        if let Some(expires_at) = entry.expires_at() {
            begun.push((shard, expires_at, entry.id));
        } else if let Phase::PostHold { hold } | Phase::VoidHold { hold } | Phase::ExpireHold { hold } =
            entry.transfer.phase
        {
            let hold = book.named(shard, hold).expect("what a posted transfer names is in its book").entry;
            ended.extend(hold.expires_at().map(|expires_at| (shard, expires_at, hold.id)));
        }
    }
    let rows = |holds: &[(Shard, Micros, i64)]| {
        Rows::new()
            .ints("shard", holds.iter().map(|(shard, ..)| i64::from(shard.0)))
            .ints("expires_at", holds.iter().map(|(_, expires_at, _)| expires_at.0))
            .ints("transfer_id", holds.iter().map(|(.., id)| *id))
    };
    insert(connection, "open_hold", rows(&begun), "").await?;
    if !ended.is_empty() {
        query(
            "DELETE FROM open_hold WHERE (shard, expires_at, transfer_id) IN
             (SELECT ended.shard, ended.expires_at, ended.transfer_id FROM {ended})",
        )
        .set("ended", rows(&ended))
        .execute(connection)
        .await?;
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
            Column::Int(account.credit_limit.get()),
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
            Column::optional_bytes(transfer.reference.as_ref().map(|reference| reference.0.as_slice())),
            Column::Int(entry.at.0),
            Column::Int(transfer.phase.number()),
            Column::optional_int(transfer.phase.refers_to()),
            Column::optional_int(transfer.phase.timeout_micros()),
        ],
    )
}

fn account_id(book: &Book, key: &AccountKey) -> i64 {
    book.account(key).expect("a posted transfer's accounts are in its book").id
}

fn account_from_row(row: &Row) -> Result<Account, DbError> {
    Ok(Account {
        key: AccountKey {
            shard: columns::shard(row.get("shard")?)?,
            owner: Owner(columns::bytes(row, "owner")?),
            kind: account_kind(row.get("kind")?)?,
            unit: unit(row.get("unit")?)?,
        },
        id: row.get("account_id")?,
        credit_limit: CreditLimit::new(row.get("credit_limit")?).ok_or(DbError::Unreadable("account.credit_limit"))?,
        balance: row.get("balance")?,
        held: row.get("held")?,
    })
}

fn entry_from_row(row: &Row) -> Result<Entry, DbError> {
    let shard = columns::shard(row.get("shard")?)?;
    let unit = unit(row.get("unit")?)?;
    let key = |owner: &str, kind: &str| {
        Ok::<_, DbError>(AccountKey {
            shard,
            owner: Owner(columns::bytes(row, owner)?),
            kind: account_kind(row.get(kind)?)?,
            unit,
        })
    };
    Ok(Entry {
        id: row.get("transfer_id")?,
        at: Micros(row.get("at")?),
        transfer: Transfer {
            debit: key("debit_owner", "debit_kind")?,
            credit: key("credit_owner", "credit_kind")?,
            amount: row.get("amount")?,
            kind: TransferKind::from_number(row.get("kind")?).ok_or(DbError::Unreadable("transfer.kind"))?,
            reference: row
                .get::<Option<&[u8]>>("reference")?
                .map(|reference| reference.try_into().map(Reference))
                .transpose()
                .map_err(|_| DbError::Unreadable("transfer.reference"))?,
            phase: Phase::from_row(row.get("phase")?, row.get("refers_to")?, row.get("timeout")?)
                .ok_or(DbError::Unreadable("transfer.phase"))?,
        },
    })
}

fn account_kind(number: i64) -> Result<AccountKind, DbError> {
    AccountKind::from_number(number).ok_or(DbError::Unreadable("account.kind"))
}

fn unit(number: i64) -> Result<Unit, DbError> {
    Unit::from_number(number).ok_or(DbError::Unreadable("unit"))
}
