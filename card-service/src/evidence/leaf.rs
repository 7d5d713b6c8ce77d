//! What a leaf says: that an action happened, and which rows it wrote, as salted hashes.
//!
//! The salt lies beside the leaf, not in it. Erasing it makes the hashes say nothing about the rows any more, and the
//! tree stays whole. Pure: no database, no clock, no randomness.

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use minicbor::{Decoder, Encoder};
use ring::digest::{self, SHA256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];
/// What makes the hashes of a leaf unguessable.
pub type Salt = [u8; 16];

const VERSION: u8 = 2;

/// What kind of action a leaf records. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u16)]
pub enum ActionKind {
    /// The installation was initialised.
    Initialised = 1,
    /// A tap was decided: accepted, refused or quarantined.
    TapDecided = 10,
    /// Transfers that no tap caused.
    TransfersPosted = 11,
    /// A lane's counter or chain did not go on as it must.
    LaneBroken = 12,
    /// A terminal brought bytes that cannot be taken as a tap.
    TapRejected = 13,
    /// A batch came from a terminal that is revoked.
    BatchRejected = 14,
    /// Somebody moved back what a payment or a top-up had moved.
    TapReversed = 15,
    /// An organisation was added or changed.
    OrganisationChanged = 20,
    /// A terminal was added, enrolled or changed.
    TerminalChanged = 21,
    /// A terminal was revoked.
    TerminalRevoked = 22,
    /// Another code for the enrolment of a terminal was given out.
    TerminalCodeGiven = 23,
    /// A member of staff was added or changed.
    StaffChanged = 30,
    /// Somebody signed in.
    SignedIn = 31,
    /// A sign-in failed.
    SignInFailed = 32,
    /// Something was asked for that another member of staff has to agree to.
    ApprovalAsked = 33,
    /// Somebody agreed to what was asked for, or did not, or there was nobody else.
    ApprovalDecided = 34,
    /// A second factor was set up, came into use, or was taken away.
    SecondFactorChanged = 35,
    /// A holder was registered.
    HolderRegistered = 40,
    /// A person's record was changed.
    PersonChanged = 41,
    /// A person's record was read.
    PersonRead = 42,
    /// Card activity was looked at in the console.
    ActivityRead = 43,
    /// Something was done with a residence permit.
    PermitChanged = 44,
    /// A record was made to point to another of the same person, or does so no longer.
    PersonMerged = 45,
    /// A registration with which nothing was done since was taken back.
    RegistrationUndone = 46,
    /// A paper was issued or withdrawn.
    PaperChanged = 47,
    /// A form to agree on was printed, was signed, or an agreement was withdrawn.
    ConsentChanged = 48,
    /// A photo was kept in place of the one before, or removed.
    PhotoChanged = 49,
    /// A card was put to issue.
    CardPrepared = 50,
    /// An issuance was begun or taken up again, or a step of it was done.
    IssuanceStep = 51,
    /// A card's state changed.
    CardStateChanged = 52,
    /// A card made a key.
    CardKeyMade = 54,
    /// A certificate was made for a card's key.
    CardCertified = 55,
    /// The unblocking of a PIN was begun, or a step of it was done.
    UnblockStep = 56,
    /// The chip of a card that came back was destroyed, or is kept.
    CardChipEnded = 57,
    /// Blank cards came to a station, left it, or were counted.
    BlanksMoved = 58,
    /// It was agreed that somebody signs in with a card, or is no longer.
    CardSignsIn = 59,
    /// Districts, streets, communities or grid cells were added, changed or removed.
    AreasChanged = 60,
    /// A house is known.
    HouseAdded = 61,
    /// Somebody lives in another house, or from or up to another day.
    HomeChanged = 62,
    /// Somebody belongs to a household, does so no longer, or otherwise.
    HouseholdChanged = 63,
    /// Terminals are told something else of a card. (53 was a signed status list.)
    CardListed = 64,
    /// A programme of points was made, or its rules or members have changed.
    PointsProgrammeChanged = 65,
    /// A person has decided about a tap that was held for that.
    TapSettled = 66,
    /// What a terminal brings looks wrong.
    SuspicionNoted = 67,
    /// An auditor has looked at what looked wrong.
    SuspicionReviewed = 68,
    /// A version of the fares was imported.
    TariffImported = 69,
    /// A holder was granted a concession of the fares, or it has ended.
    ConcessionChanged = 70,
    /// Leaves of what nobody can dispute any more were folded.
    LeavesFolded = 71,
    /// A showing of a card at a validator was added, or struck.
    JourneyCorrected = 72,
    /// A site with gates was added or closed.
    GateSiteChanged = 80,
    /// A terminal stands at another site, or at none.
    GatePostChanged = 81,
    /// Somebody may pass at a site, or may no longer.
    GateCredentialChanged = 82,
    /// A visitor's pass was given out, or withdrawn.
    GatePassChanged = 83,
    /// An employer takes part in social security, or its class of risk is another.
    EmployerChanged = 90,
    /// Somebody is insured through an employer, or no longer.
    EmploymentChanged = 91,
    /// An employer has declared contributions.
    ContributionsDeclared = 92,
    /// What was declared was taken of what the employer has paid.
    ContributionsPaid = 93,
    /// A bank has told of what has arrived, or it was said whose it is.
    ReceiptChanged = 94,
    /// A holder has said that a month is not as it should be.
    ContributionDisputed = 95,
    /// That was answered.
    DisputeAnswered = 96,
    /// At which level bills of a clinic are covered.
    ClinicChanged = 100,
    /// A clinic has written a bill, in the place of one that waited or beside those that were settled.
    ClaimMade = 101,
    /// A bill was settled.
    ClaimSettled = 102,
    /// A bill that was settled was taken back.
    ClaimReversed = 103,
    /// A clinic was paid for the bills of a month.
    ClaimsCleared = 104,
}

impl ActionKind {
    /// The number in leaves.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// A value of one column, as it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column<'a> {
    /// A number, a time, a truth value as 0 or 1.
    Int(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// Nothing.
    Null,
}

impl<'a> Column<'a> {
    /// Bytes that may be missing.
    pub fn optional_bytes(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::Null, Self::Bytes)
    }

    /// A number that may be missing.
    pub fn optional_int(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Int)
    }
}

/// Every column of a row that a leaf commits to, in the order of the table, as one hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowImage {
    table: &'static str,
    digest: Hash,
}

impl RowImage {
    /// Takes a picture of a row: the committed columns of its [`super::tables::Table`].
    pub fn new(table: &'static str, columns: &[Column<'_>]) -> Self {
        let mut e = Encoder::new(Vec::with_capacity(512));
        let mut write = || {
            e.array(columns.len() as u64)?;
            for column in columns {
                match column {
                    Column::Int(number) => e.i64(*number)?,
                    Column::Bytes(bytes) => e.bytes(bytes)?,
                    Column::Text(text) => e.str(text)?,
                    Column::Null => e.null()?,
                };
            }
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
        };
        write().expect("writing to memory does not fail");
        let digest = hash_of(&[b"nrc/row/v2\0", table.as_bytes(), &[0], e.writer()]);
        Self { table, digest }
    }

    /// The table's name.
    pub fn table(&self) -> &'static str {
        self.table
    }

    /// The picture. Not for leaves: whoever guesses the row can compute it.
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// The hash that stands in the leaf.
    pub fn hash(&self, salt: &Salt) -> Hash {
        salted(&self.digest, salt)
    }
}

/// The hash that stands in the leaf for a row with this digest. Two steps, so that a verifier can compare a row with
/// its leaf without keeping the row.
pub fn salted(digest: &Hash, salt: &Salt) -> Hash {
    hash_of(&[b"nrc/salted-row/v2\0", salt, digest])
}

/// A row that an action changed or removed, as an earlier leaf of the same shard recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The table's name.
    pub table: String,
    /// The earlier leaf's number.
    pub leaf_id: i64,
    /// The row's hash in that leaf.
    pub hash: Hash,
}

/// An action, as the code that carries it out describes it.
#[derive(Clone, Debug)]
pub struct Action {
    /// The shard of the holder it concerns; 0 where it concerns none.
    pub shard: Shard,
    /// What was done.
    pub kind: ActionKind,
    /// The rows it wrote.
    pub rows: Vec<RowImage>,
    /// What these rows, and rows that it removed, were before.
    pub replaced: Vec<Replaced>,
}

impl Action {
    /// An action that only added rows.
    pub fn new(shard: Shard, kind: ActionKind, rows: Vec<RowImage>) -> Self {
        Self { shard, kind, rows, replaced: Vec::new() }
    }
}

/// The content of a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The shard in which the leaf lies.
    pub shard: i64,
    /// Its number there.
    pub leaf_id: i64,
    /// See [`ActionKind::number`].
    pub kind: u16,
    /// When, by the service's clock.
    pub at: Micros,
    /// SHA-256 of the salt.
    pub salt_hash: Hash,
    /// Table and salted hash of each row, in the order written.
    pub rows: Vec<(String, Hash)>,
    /// What was there before.
    pub replaced: Vec<Replaced>,
}

impl Body {
    /// What a leaf says about an action.
    pub fn new(action: &Action, leaf_id: i64, at: Micros, salt: &Salt) -> Self {
        Self {
            shard: i64::from(action.shard.0),
            leaf_id,
            kind: action.kind.number(),
            at,
            salt_hash: salt_hash(salt),
            rows: action.rows.iter().map(|row| (row.table.to_owned(), row.hash(salt))).collect(),
            replaced: action.replaced.clone(),
        }
    }

    /// Deterministic CBOR (RFC 8949 §4.2.1).
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::with_capacity(160));
        let mut write = || {
            e.map(8)?.u8(1)?.u8(VERSION)?;
            e.u8(2)?.i64(self.shard)?;
            e.u8(3)?.i64(self.leaf_id)?;
            e.u8(4)?.u16(self.kind)?;
            e.u8(5)?.i64(self.at.0)?;
            e.u8(6)?.bytes(&self.salt_hash)?;
            e.u8(7)?.array(self.rows.len() as u64)?;
            for (table, hash) in &self.rows {
                e.array(2)?.str(table)?.bytes(hash)?;
            }
            e.u8(8)?.array(self.replaced.len() as u64)?;
            for Replaced { table, leaf_id, hash } in &self.replaced {
                e.array(3)?.str(table)?.i64(*leaf_id)?.bytes(hash)?;
            }
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
        };
        write().expect("writing to memory does not fail");
        e.into_writer()
    }

    /// Reads what [`Body::encode`] writes, and nothing else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut d = Decoder::new(bytes);
        let body = Self::read(&mut d).ok()??;
        (body.encode() == bytes).then_some(body)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Option<Self>, minicbor::decode::Error> {
        d.map()?;
        d.u8()?;
        if d.u8()? != VERSION {
            return Ok(None);
        }
        d.u8()?;
        let shard = d.i64()?;
        d.u8()?;
        let leaf_id = d.i64()?;
        d.u8()?;
        let kind = d.u16()?;
        d.u8()?;
        let at = Micros(d.i64()?);
        d.u8()?;
        let Ok(salt_hash) = d.bytes()?.try_into() else { return Ok(None) };
        d.u8()?;
        let mut rows = Vec::new();
        for _ in 0..d.array()?.unwrap_or(0) {
            d.array()?;
            let table = d.str()?.to_owned();
            let Ok(hash) = d.bytes()?.try_into() else { return Ok(None) };
            rows.push((table, hash));
        }
        d.u8()?;
        let mut replaced = Vec::new();
        for _ in 0..d.array()?.unwrap_or(0) {
            d.array()?;
            let (table, leaf_id) = (d.str()?.to_owned(), d.i64()?);
            let Ok(hash) = d.bytes()?.try_into() else { return Ok(None) };
            replaced.push(Replaced { table, leaf_id, hash });
        }
        Ok(Some(Self { shard, leaf_id, kind, at, salt_hash, rows, replaced }))
    }
}

/// The hash of a leaf in the tree (RFC 9162 §2.1.1).
pub fn leaf_hash(body: &[u8]) -> Hash {
    hash_of(&[&[0], body])
}

/// What the leaf says about its salt.
pub fn salt_hash(salt: &[u8]) -> Hash {
    hash_of(&[b"nrc/salt/v1\0", salt])
}

fn hash_of(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}
