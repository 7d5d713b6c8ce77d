//! One 9E tap of a known card over pcscd and the virtual card, again and again, each time put on the reader anew.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use town::{Place, Town};

use crate::{
    figure::{Report, percentile},
    usage::resident_mib,
};

pub(crate) fn measure(taps: usize, report: &mut Report) -> Result<()> {
    ensure!(taps > 0, "measuring nothing: --taps is at least 1");
    let mut town = Town::open()?;
    let holder = town.office.register("测试乙 Bench Holder", "110000199001010021")?;
    let card = town.pcscd.new_card("bench")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, "731945")?;
    town.let_pass(holder)?;
    town.carry(&card, Place::Station, Place::Gate)?;
    // First sight of the card at this terminal: reads and verifies its certificate.
    tap(&mut town)?;

    let mut columns: [Vec<f64>; 5] = Default::default();
    for _ in 0..taps {
        town.take(Place::Gate)?;
        let reply = town.tap_on_arrival(&card, Place::Gate, &request())?;
        let timing = &reply["timing"];
        let row = [
            milliseconds(timing, "present_to_durable_us")?,
            milliseconds(timing, "own_us")?,
            number(&reply, "apdus")?,
            number(&reply, "wire_bytes")?,
            milliseconds(timing, "outbox_us")?,
        ];
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let [durable, own, apdus, bytes, outbox] = &mut columns;
    report.figure("tap_to_durable_ms_p50", percentile(durable, 50), "ms", Some(2.0));
    report.figure("tap_to_durable_ms_p95", percentile(durable, 95), "ms", None);
    report.figure("own_code_ms_p50", percentile(own, 50), "ms", Some(0.3));
    report.figure("outbox_ms_p50", percentile(outbox, 50), "ms", None);
    report.figure("apdus", percentile(apdus, 100), "", Some(3.0));
    report.figure("wire_bytes", percentile(bytes, 100), "bytes", Some(330.0));

    report.figure("daemon_idle_rss_mib", resident_mib(town.at(Place::Gate).process().pid())?, "MiB", Some(20.0));
    report.figure("service_idle_rss_mib", resident_mib(town.service.process().pid())?, "MiB", Some(60.0));
    town.service.process().stop()?;
    let began = Instant::now();
    town.service.start()?;
    report.figure("service_ready_ms", began.elapsed().as_secs_f64() * 1000.0, "ms", Some(500.0));
    Ok(())
}

fn request() -> Value {
    json!({"operation": "gate.check", "receipt_wait_ms": 0})
}

fn tap(town: &mut Town) -> Result<Value> {
    let reply = town.at(Place::Gate).tap(&request())?.0;
    ensure!(reply["state"] == "signed" || reply["state"] == "accepted", "the tap was refused: {reply}");
    Ok(reply)
}

fn number(value: &Value, name: &str) -> Result<f64> {
    value[name].as_f64().with_context(|| format!("no `{name}` in {value}"))
}

fn milliseconds(value: &Value, name: &str) -> Result<f64> {
    Ok(number(value, name)? / 1000.0)
}
