//! A shop whose network is bad: five faults, each at four moments of a sale, over connections that stand and over new ones.
//! Each time the merchant's page says yes or that it is not known yet, and in the end everything is paid once.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use browser::{Chromium, Scripts, terminal_page::enter_counter};
use serde_json::{Value, json};
use town::{
    Place, Town,
    line::{Fault, Line},
    wait,
};
use virtual_card::Pace;

/// When the line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Before the merchant charges.
    AtRest,
    /// Before the holder's card is there.
    Ordered,
    /// While the card is at work.
    AtWork,
    /// When the tap has gone up, before its answer.
    Answering,
}

const MOMENTS: [Moment; 4] = [Moment::AtRest, Moment::Ordered, Moment::AtWork, Moment::Answering];
const MONEY: i64 = 10_000;
const SLOT: usize = Place::Shop as usize;

struct Shop {
    town: Town,
    line: Line,
    merchant: Chromium,
    card: PathBuf,
}

impl Shop {
    fn open() -> Result<Self> {
        let (mut town, line) = Town::open_behind_a_line()?;
        let card = town.holder_with_money("测试阿依·Test", "110000199001010013", "731945", MONEY)?;
        let merchant = Chromium::start(Scripts::Allowed)?;
        enter_counter(&mut town, Place::Shop, &merchant)?;
        // The card is at work for long enough that a line can break meanwhile.
        town.pcscd.cards().pace(SLOT, Pace::CONTACTLESS)?;
        Ok(Self { town, line, merchant, card })
    }

    /// One sale of one yuan, with the line broken at this moment and repaired when the page has said something.
    fn sale(&mut self, fault: Fault, moment: Moment) -> Result<()> {
        let line = self.line.clone();
        let break_at = |now: Moment| {
            if now == moment {
                line.break_with(fault);
            }
        };
        break_at(Moment::AtRest);
        self.merchant.clear("#amount")?;
        self.merchant.type_into("#amount", "1")?;
        self.merchant.follow("main form button.primary")?;
        self.merchant.until("main.payment")?;
        break_at(Moment::Ordered);
        if moment == Moment::Answering {
            line.break_after_next_request(fault);
        }
        self.town.pcscd.cards().insert(SLOT, &self.card)?;
        break_at(Moment::AtWork);
        self.merchant.until("h1.result")?;
        ensure!(self.merchant.count("h1.result.ok, h1.result.kept")? == 1, "{}", self.merchant.text("h1.result")?);
        line.repair();
        self.town.take(Place::Shop)?;
        // What was not known yet is known now, on the page too.
        let shop = self.town.at(Place::Shop).local()?;
        wait::until("everything has gone up", || {
            let outbox = shop.post("/v1/outbox/retry", &Value::Null)?.success()?;
            Ok((outbox["pending"] == json!(0)).then_some(()))
        })?;
        self.merchant.until("h1.result.ok")?;
        self.merchant.until("header .state.ok + .state.ok")?;
        self.merchant.follow("form[action$='/put-away'] button")?;
        self.merchant.until("#amount")
    }
}

fn story(fault: Fault) -> Result<()> {
    let mut shop = Shop::open()?;
    let mut sales = 0;
    for moment in MOMENTS {
        for is_new in [false, true] {
            if is_new {
                shop.line.forget();
            }
            shop.sale(fault, moment)
                .with_context(|| format!("{fault:?}, {moment:?}, over new connections: {is_new}"))?;
            sales += 1;
        }
    }
    let card = shop.card.clone();
    shop.town.put(&card, Place::Station)?;
    let left = shop.town.top_up(1)?;
    ensure!(left == MONEY - 100 * sales + 1, "{sales} sales of one yuan: {MONEY} became {left}");
    let status = shop.town.at(Place::Shop).local()?.get("/v1/status")?.success()?;
    ensure!(status["pending"] == json!(0), "{status}");
    Ok(())
}

#[test]
fn a_sale_over_a_line_of_long_delay_is_paid_once() -> Result<()> {
    story(Fault::LATE)
}

#[test]
fn a_sale_over_a_line_that_is_reset_is_paid_once() -> Result<()> {
    story(Fault::Reset)
}

#[test]
fn a_sale_over_a_line_that_is_half_open_is_paid_once() -> Result<()> {
    story(Fault::HalfOpen)
}

#[test]
fn a_sale_over_a_slow_line_is_paid_once() -> Result<()> {
    story(Fault::Slow)
}

#[test]
fn a_sale_whose_answer_is_cut_in_its_middle_is_paid_once() -> Result<()> {
    story(Fault::Truncated)
}
