//! The search for people who are alike, asked as the check page asks: for people who come a second time under another
//! document, for newcomers, and for those whom many share a name and a day of birth with.

use std::time::Instant;

use anyhow::{Result, ensure};
use card_service::{
    db::Db,
    domains::residence::{
        model::{Facts, Field},
        similar,
    },
};

use super::city::{City, refused};

/// Milliseconds of each search, by who was looked for.
#[derive(Debug, Default)]
pub(super) struct Searches {
    pub(super) known: Vec<f64>,
    pub(super) new: Vec<f64>,
    pub(super) common: Vec<f64>,
}

impl Searches {
    pub(super) fn of(city: &mut City, searches: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (keys, mut times) = (city.keys()?, Self::default());
        let db = runtime.block_on(Db::look(city.service.database_url()))?;
        let look = |facts: &Facts| {
            let began = Instant::now();
            let alike = runtime.block_on(similar::alike(&db, &*keys, facts)).map_err(|refusal| refused(&refusal))?;
            Ok::<_, anyhow::Error>((began.elapsed().as_secs_f64() * 1_000.0, alike))
        };
        for resident in city.residents.iter().take(searches) {
            let (took, alike) = look(&city.people.again(&resident.facts))?;
            ensure!(!alike.is_empty(), "somebody who is registered already was not found to be alike");
            times.known.push(took);
        }
        for _ in 0..searches {
            times.new.push(look(&city.people.checked())?.0);
        }
        // Names that hundreds have, on the day that is written where none is known.
        for (name, year) in ["王伟", "张伟", "李伟", "王芳", "李明"].into_iter().cycle().zip(0..).take(searches)
        {
            let facts = city.people.checked().with(Field::Name, name);
            times.common.push(look(&facts.with(Field::Birth, format!("{}-01-01", 1955 + year % 50)))?.0);
        }
        runtime.block_on(db.close());
        Ok(times)
    }

    pub(super) fn all(&self) -> Vec<f64> {
        [&self.known[..], &self.new, &self.common].concat()
    }
}
