//! A card torn out of the reader before and after every APDU of its issuance, put back each time: it ends personalised
//! and working, or in factory state, and never in between.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use town::{Place, Town};
use virtual_card::control::TearSide;

const PIN: &str = "731945";
const SLOT: usize = Place::Station as usize;

/// Issuances run side by side in this many towns: most of the time goes into waiting for pcscd to notice.
const TOWNS: u64 = 4;

/// APDUs that an issuance has at least: three keys, seven objects and their authentications. Fewer were counted wrongly.
const APDUS_MIN: u64 = 40;

/// Tears at every `TOWNS`-th APDU from `first` on, until an issuance is over before its tear comes. So the towns of one
/// side together tear at every APDU that an issuance has.
fn tear_everywhere(first: u64, side: TearSide) -> Result<()> {
    let mut town = Town::open()?;
    for apdu in (first..).step_by(usize::try_from(TOWNS)?) {
        let torn = tear_at(&mut town, apdu, side).with_context(|| format!("torn {side:?} APDU {apdu}"))?;
        if let Some(whole) = torn {
            ensure!(whole < apdu, "APDU {apdu} of {whole} was not torn");
            ensure!(whole >= APDUS_MIN, "an issuance cannot have only {whole} APDUs");
            println!("torn {side:?} APDUs {first}, {}, ... of {whole}", first + TOWNS);
            return Ok(());
        }
    }
    unreachable!("the numbers have no end")
}

/// Issues one card with one tear. Answers how many APDUs the issuance had when it was over before the tear came.
fn tear_at(town: &mut Town, apdu: u64, side: TearSide) -> Result<Option<u64>> {
    let holder = town.office.register("测试丁 Torn Holder", &document(apdu, side))?;
    let card = town.pcscd.new_card(&format!("torn-{side:?}-{apdu}"))?;
    town.put(&card, Place::Station)?;
    ensure!(town.pcscd.cards().slot(SLOT)?.apdus == 0, "somebody spoke to the card before its issuance");
    match side {
        TearSide::Before => town.pcscd.cards().tear_before(SLOT, apdu)?,
        TearSide::After => town.pcscd.cards().tear_after(SLOT, apdu)?,
    }
    let mut torn = false;
    let (issued, state) = town.issue_while(holder, PIN, |town| torn_back(town, &card, &mut torn))?;
    // The tear may have come with the last APDUs, and the service may have heard of the consent all the same.
    torn_back(town, &card, &mut torn)?;
    let whole = town.pcscd.cards().slot(SLOT)?.apdus;
    if !torn {
        town.pcscd.cards().cancel_tear(SLOT)?;
    }
    if state != "finished" {
        let issuance = town.office.issuance(issued)?;
        ensure!(issuance["reset"] == json!(true), "a card that failed was not reset: {issuance}");
        // In factory state is what can be issued from the beginning.
        town.issue(holder, PIN).context("the card that was reset")?;
    }
    let top_up = json!({"operation": "purse.top_up", "amount_fen": 100, "receipt_wait_ms": 10_000});
    let reply = town.at(Place::Station).tap(&top_up)?;
    ensure!(reply.0["state"] == "accepted", "the finished card does not work: {}", reply.0);
    town.take(Place::Station)?;
    Ok((!torn).then_some(whole))
}

/// Puts a card back that was torn out.
fn torn_back(town: &Town, card: &Path, torn: &mut bool) -> Result<()> {
    if town.pcscd.cards().slot(SLOT)?.card.is_none() {
        *torn = true;
        // A hand takes longer than pcscd needs to notice; what is swapped faster than that is a story of `piv`.
        town.pcscd.wait_seen(SLOT, false)?;
        town.pcscd.insert(SLOT, card)?;
    }
    Ok(())
}

/// A number that no other issuance of this test has, in no district, with its check character
/// (GB 11643-1999 section 5.2).
fn document(apdu: u64, side: TearSide) -> String {
    let digits = format!("11000019{}0101{apdu:03}", if matches!(side, TearSide::Before) { 70 } else { 80 });
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", b"10X98765432"[(sum % 11) as usize] as char)
}

macro_rules! towns {
    ($($name:ident: $first:literal, $side:ident;)*) => {
        $(
            #[test]
            fn $name() {
                tear_everywhere($first, TearSide::$side).expect("every torn card ends finished or reset");
            }
        )*
    };
}

towns! {
    torn_before_every_fourth_apdu_from_the_first: 1, Before;
    torn_before_every_fourth_apdu_from_the_second: 2, Before;
    torn_before_every_fourth_apdu_from_the_third: 3, Before;
    torn_before_every_fourth_apdu_from_the_fourth: 4, Before;
    torn_after_every_fourth_apdu_from_the_first: 1, After;
    torn_after_every_fourth_apdu_from_the_second: 2, After;
    torn_after_every_fourth_apdu_from_the_third: 3, After;
    torn_after_every_fourth_apdu_from_the_fourth: 4, After;
}
