//! The disk under a shop's daemon fills up: nothing is signed that cannot be kept, and nothing that was kept is lost.

use std::{fs, io::Write as _, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use e2e::scene::Scene;
use serde_json::{Value, json};
use town::{
    Place,
    http::{Client, Reply},
    process, wait,
};

/// The shop's daemon on a disk of its own, half a megabyte. It goes when the value goes.
struct SmallDisk {
    daemon: process::Process,
    /// The daemon's data folder, seen from outside its mount namespace.
    data: PathBuf,
    keepers: Client,
}

impl SmallDisk {
    fn under_the_shop(scene: &mut Scene) -> Result<Self> {
        let shop = scene.town.at(Place::Shop);
        shop.process().stop()?;
        let run = shop.command()?;
        let script = "mount -t tmpfs -o size=512k,mode=700 tmpfs /mnt && cp -a \"$0\"/. /mnt && \
                      mount --move /mnt \"$0\" && exec \"$@\" run";
        // A plain user may mount in a user namespace of its own.
        let as_root = Command::new("unshare").args(["--mount", "true"]).output()?.status.success();
        let mut command = process::tethered("unshare");
        command.args(if as_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
        command.args(["sh", "-c", script]).arg(shop.data()).arg(run.get_program()).args(run.get_args());
        command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let log = scene.town.folder().join("small-disk.log");
        let mut daemon = process::Process::start("reader-daemon on a small disk", command, &log)?;
        let inside = scene.town.at(Place::Shop).data();
        let data = PathBuf::from(format!("/proc/{}/root{}", daemon.pid(), inside.display()));
        let keepers = daemon.ready(|| {
            let Ok(local) = fs::read(data.join("local.json")) else { return Ok(None) };
            let Ok(local) = serde_json::from_slice::<Value>(&local) else { return Ok(None) };
            let (Some(address), Some(token)) = (local["address"].as_str(), local["token"].as_str()) else {
                return Ok(None);
            };
            let client = Client::new(&format!("http://{address}"), None)?.with_token(token);
            let seen = |reply: Reply| reply.status == 200 && reply.body["readers"][0]["card_present"] == json!(true);
            Ok(client.get("/v1/status").is_ok_and(seen).then_some(client))
        })?;
        Ok(Self { daemon, data, keepers })
    }

    fn pay(&self) -> Result<Reply> {
        self.keepers.post("/v1/taps", &json!({"operation": "purse.payment", "amount_fen": 100}))
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> Result<()> {
        let mut filler = fs::File::create(self.data.join("filler"))?;
        // First in large pieces, then whatever rest there is.
        for piece in [4096, 1] {
            while filler.write_all(&vec![0; piece]).is_ok() {}
        }
        Ok(())
    }
}

#[test]
fn a_full_disk_refuses_before_the_card_signs_and_keeps_what_is_there() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        let mut shop = SmallDisk::under_the_shop(&mut scene)?;
        scene.town.service.process().kill()?;
        let first = shop.pay()?.success()?;
        ensure!(first["state"] == "signed", "{first}");
        shop.fill()?;
        // What the write-ahead log has room for already may still be used, but not for long.
        let mut kept = 1;
        let refused = loop {
            let before = scene.signatures()?;
            let reply = shop.pay()?;
            if reply.status == 200 {
                ensure!(reply.body["state"] == "signed", "{}", reply.body);
                kept += 1;
                ensure!(kept < 1_000, "the disk is never full");
                continue;
            }
            ensure!(scene.signatures()? == before, "the card signed what could not be kept: {}", reply.body);
            break reply.body;
        };
        ensure!(refused["type"] == "urn:nrc:daemon:disk-full", "{refused}");
        ensure!(refused["title"].as_str().is_some_and(|text| text.contains("The disk is full")), "{refused}");
        ensure!(refused["title_zh"].as_str().is_some_and(|text| text.contains("磁盘已满")), "{refused}");
        fs::remove_file(shop.data.join("filler"))?;
        let after = shop.pay()?.success()?;
        ensure!(after["state"] == "signed", "with room again: {after}");
        kept += 1;
        scene.town.service.start()?;
        wait::until("the outbox is empty", || {
            let outbox = shop.keepers.post("/v1/outbox/retry", &json!(null))?.success()?;
            Ok((outbox["pending"] == json!(0)).then_some(()))
        })?;
        shop.daemon.stop()?;
        let moved = scene.moved()?;
        ensure!(moved == -100 * kept, "{kept} payments were kept, and {moved} fen moved");
        Ok(())
    };
    story().expect("nothing is lost");
}
