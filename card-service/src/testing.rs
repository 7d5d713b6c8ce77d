//! What tests of this crate share: a database in a folder of its own.

mod office;
pub(crate) mod town;

pub(crate) use office::{Office, PASSWORD, office};

use crate::db::Db;

/// An empty database that goes away with its folder.
pub(crate) struct Scratch {
    pub(crate) db: Db,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Scratch {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let db = Db::create(&url).await.unwrap();
        Self { db, url, _folder: folder }
    }
}
