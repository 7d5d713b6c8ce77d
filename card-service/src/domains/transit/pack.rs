//! What validators are told of the fares, signed when somebody asks and remembered for whoever asks next.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::fares::{FareNetwork, FarePack, FarePass, FareRoute, FareStop, FareVersion, MAX_NAME_BYTES};
use card_schema::money::Fen;
use tokio::sync::Mutex;

use super::fares::InForce;
use super::tariff::{NetworkIx, PassTime, Validation};
use super::{Fares, Tariff, import, store};
use crate::db::Db;
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, Role, envelope};

/// A validator's clock may be off by so much, and it finds a version still.
const TOLD_SECONDS: i64 = 31 * 86_400;

/// A signed [`FarePack`].
#[derive(Clone, Debug)]
pub struct Signed {
    /// The number of the newest version in it.
    pub newest: u32,
    /// The envelope.
    pub envelope: Arc<[u8]>,
}

/// Signs what validators are told.
#[derive(Debug)]
pub struct Packs {
    keys: Arc<dyn KeyStore>,
    kept: Mutex<Option<Signed>>,
}

impl Packs {
    /// With the key that signs receipts.
    pub fn new(keys: Arc<dyn KeyStore>) -> Self {
        Self { keys, kept: Mutex::default() }
    }

    /// The versions in force now and later; nothing before there is one.
    ///
    /// # Errors
    /// When the database fails, or the key store.
    pub async fn signed(&self, db: &Db, now: Micros) -> Result<Option<Signed>, Refusal> {
        let mut kept = self.kept.lock().await;
        let mut connection = db.read().await?;
        let newest = store::newest(&mut connection).await?;
        if newest == 0 {
            return Ok(None);
        }
        if let Some(signed) = kept.as_ref().filter(|signed| i64::from(signed.newest) == newest) {
            return Ok(Some(signed.clone()));
        }
        let fares = import::fares(&mut connection, now.plus_seconds(-TOLD_SECONDS)).await?;
        drop(connection);
        let keys = Arc::clone(&self.keys);
        let signed = tokio::task::spawn_blocking(move || sign(&*keys, &fares.pack(now))).await;
        let signed = signed.map_err(Refusal::internal)?.map_err(Refusal::internal)?;
        *kept = Some(signed.clone());
        Ok(Some(signed))
    }
}

fn sign(keys: &dyn KeyStore, pack: &FarePack) -> Result<Signed, KeyError> {
    Ok(Signed { newest: pack.newest(), envelope: envelope::signed(keys, Role::Receipt, pack)?.into() })
}

impl Fares {
    /// What validators are told.
    fn pack(&self, now: Micros) -> FarePack {
        FarePack { at: now, versions: self.versions().iter().filter_map(version).collect() }
    }
}

fn version(InForce { number, starts_at, tariff }: &InForce) -> Option<FareVersion> {
    let networks = (0..tariff.networks.len()).filter_map(|network| NetworkIx::try_from(network).ok());
    let networks = networks.map(|network| FareNetwork {
        on_off: matches!(tariff.networks[usize::from(network)].validation, Validation::OnOff { .. }),
        most: tariff.most(network),
    });
    let mut routes: Vec<FareRoute> = tariff.routes.iter().map(route_of).collect();
    routes.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let stop = |stop: &super::tariff::Stop| FareStop { id: stop.id.clone(), name: shortened(&stop.name) };
    let mut stops: Vec<FareStop> = tariff.stops.iter().map(stop).collect();
    stops.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let number = u32::try_from(*number).ok()?;
    let pass = |pass: &super::tariff::Pass| FarePass {
        id: pass.id.clone(),
        name: shortened(&pass.name),
        price: pass.price,
        days: match pass.good_for {
            PassTime::Month => None,
            PassTime::Days(days) => Some(days),
        },
    };
    let passes = tariff.passes.iter().map(pass).collect();
    Some(FareVersion { number, starts_at: *starts_at, networks: networks.collect(), routes, stops, passes })
}

fn route_of(route: &super::tariff::Route) -> FareRoute {
    FareRoute { id: route.id.clone(), name: shortened(&route.name), network: route.network }
}

fn shortened(name: &str) -> String {
    name[..name.floor_char_boundary(MAX_NAME_BYTES)].to_owned()
}

impl Tariff {
    /// The most that a ride on a network comes to.
    fn most(&self, network: NetworkIx) -> Fen {
        let maximum = match self.networks[usize::from(network)].validation {
            Validation::OnOff { maximum, .. } => maximum,
            Validation::On { .. } => Fen::ZERO,
        };
        let may_apply = |route: &&super::tariff::Route| route.network == network;
        let named = self.routes.iter().find(may_apply).map(|route| route.named);
        let keys: Vec<_> = named.into_iter().flat_map(super::tariff::Named::keys).collect();
        let rules = self.by_key.iter().filter(|((of, ..), _)| keys.contains(of)).flat_map(|(_, rules)| rules);
        let products = rules.map(|rule| usize::from(self.leg_rules[*rule as usize].product));
        let prices = products.flat_map(|product| self.products[product].prices.iter().flatten());
        prices.copied().max().map_or(maximum, |most| most.max(maximum))
    }
}
