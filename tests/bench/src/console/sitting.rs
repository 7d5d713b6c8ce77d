//! One sitting: from the blank form to a card in use, with a holder at the desk who answers at once. The card is a
//! virtual one behind the real pcscd; it makes its keys itself.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use card_schema::ids::HolderId;
use postgres_cluster::Cluster;
use town::{Place, Town};

use super::{pages::register, people::People};
use crate::intake::installation::Engine;

/// An invented PIN.
const PIN: &str = "731945";

/// Seconds of each of some sittings.
pub(super) fn seconds(engine: Engine, people: &mut People, sittings: usize) -> Result<Vec<f64>> {
    let cluster = (engine == Engine::Postgres).then(Cluster::start).transpose()?;
    let mut town = match &cluster {
        Some(cluster) => Town::open_on(&cluster.database("town")?)?,
        None => Town::open()?,
    };
    let mut seconds = Vec::with_capacity(sittings);
    for sitting in 0..sittings {
        let card = town.pcscd.new_card(&format!("sitting-{sitting}"))?;
        town.put(&card, Place::Station)?;
        let newcomer = people.typed();
        let began = Instant::now();
        let page = register(town.office.api(), &newcomer)?;
        let holder = page.strip_prefix("/holders/").context("registering leads to the holder")?;
        let holder: HolderId = holder.parse().map_err(|_| anyhow::anyhow!("{page} names no holder"))?;
        let shown = town.office.api().visit(&page, None)?;
        ensure!(shown.status == 200, "the holder's page answered {}", shown.status);
        town.issue(holder, PIN)?;
        seconds.push(began.elapsed().as_secs_f64());
        town.take(Place::Station)?;
    }
    Ok(seconds)
}
