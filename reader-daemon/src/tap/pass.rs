//! Which passes are sold here, and for what. Pure: as the fares say that this terminal knows; the service sells.

use card_schema::{
    clock::Micros,
    date::Date,
    envelope::fares::FarePass,
    operation::transit::{PassPurchase, SOLD_AHEAD_DAYS},
};

use super::{Knowledge, Refused};

/// The passes that are sold for a first day.
pub fn sold(from: Date, known: &Knowledge) -> &[FarePass] {
    let version = known.fares.as_ref().and_then(|pack| pack.at(PassPurchase::priced_at(from)));
    version.map_or(&[], |version| &version.passes)
}

/// A pass whose first day is `from`, for what the fares of that day ask.
///
/// # Errors
/// [`Refused::NoFares`], and [`Refused::NotOnSale`] where nothing of this name is sold for that day.
pub fn purchase(pass: &str, from: Date, known: &Knowledge, now: Micros) -> Result<PassPurchase, Refused> {
    if known.fares.is_none() {
        return Err(Refused::NoFares);
    }
    let ahead = from.days() - Date::in_china(now).days();
    if !(0..=SOLD_AHEAD_DAYS).contains(&ahead) {
        return Err(Refused::NotOnSale);
    }
    let found = sold(from, known).iter().find(|one| one.id == pass).ok_or(Refused::NotOnSale)?;
    Ok(PassPurchase { pass: pass.to_owned(), from, price: found.price })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use card_schema::{
        envelope::fares::{FarePack, FareVersion},
        money::Fen,
    };

    use super::*;
    use crate::tap::tests::knowledge;

    #[test]
    fn a_pass_costs_what_the_fares_of_its_first_day_ask() {
        let day = |text: &str| -> Date { text.parse().unwrap() };
        // Four in the morning by the time of China.
        let starts = |on: &str| day(on).start_utc().plus_seconds(-4 * 3_600);
        let pass = |id: &str, price| FarePass { id: id.into(), name: "月票".into(), price: Fen(price), days: None };
        let version = |number, starts_at, passes| FareVersion {
            number,
            starts_at,
            networks: vec![],
            routes: vec![],
            stops: vec![],
            passes,
        };
        let versions = vec![
            version(1, starts("2026-11-01"), vec![pass("month", 12_000), pass("old", 5_000)]),
            version(2, starts("2026-12-01"), vec![pass("month", 13_000)]),
        ];
        let fares = Some(Arc::new(FarePack { at: Micros(0), versions }));
        let known = Knowledge { fares, ..knowledge() };
        let now = starts("2026-11-23").plus_seconds(8 * 3_600);
        for (id, from, expected) in [
            ("month", "2026-11-23", Ok(12_000)),
            ("month", "2026-11-30", Ok(12_000)),
            ("month", "2026-12-01", Ok(13_000)),
            ("old", "2026-11-30", Ok(5_000)),
            ("old", "2026-12-01", Err(Refused::NotOnSale)),
            ("other", "2026-11-23", Err(Refused::NotOnSale)),
            ("month", "2026-11-22", Err(Refused::NotOnSale)),
            ("month", "2027-01-22", Ok(13_000)),
            ("month", "2027-01-23", Err(Refused::NotOnSale)),
        ] {
            let said = purchase(id, day(from), &known, now).map(|purchase| purchase.price.0);
            assert_eq!(said, expected, "{id} from {from}");
        }
        assert_eq!(["2026-11-30", "2026-12-01"].map(|from| sold(day(from), &known).len()), [2, 1]);
        assert_eq!(sold(day("2026-12-01"), &knowledge()), []);
        assert_eq!(purchase("month", day("2026-11-23"), &knowledge(), now), Err(Refused::NoFares));
    }
}
