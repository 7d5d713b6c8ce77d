//! How far a long piece of work has come, for whoever shows it. Shows nothing by itself.

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Writing the rows of a table; counted in rows.
    Export(&'static str),
    /// Reading every row; counted in bytes, or in rows.
    Read,
    /// Rows against leaves; counted in bytes of leaves.
    Rows,
    /// Leaves against the tree; counted in leaves.
    Tree,
    /// Balances against transfers; counted in entries.
    Books,
    /// Taps against their lanes; counted in taps.
    Lanes,
    /// Applying migrations; counted in migrations.
    Migrate,
    /// Writing a backup; counted in bytes.
    Backup,
    /// Reading a backup through; not counted.
    Check,
    /// Putting a backup back; counted in bytes.
    Restore,
    /// Building indexes of what was put back; not counted.
    Index,
    /// Moving a database to another engine; counted in rows.
    Move,
    /// Comparing what was moved with what was there; counted in rows.
    Compare,
}

/// Somebody who watches.
pub trait Progress {
    /// A part of the work begins. `total` is how much there is to do, where that is known.
    fn begin(&mut self, part: Part, total: Option<u64>);
    /// So much of it is done now.
    fn reach(&mut self, done: u64);
}

/// Nobody watches.
impl Progress for () {
    fn begin(&mut self, _part: Part, _total: Option<u64>) {}
    fn reach(&mut self, _done: u64) {}
}
