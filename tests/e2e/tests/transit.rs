//! Fares on the command line: a feed is checked, imported and listed, and one that is wrong is refused with every place named.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result};
use serde_json::Value;
use town::{Town, process};

/// Beijing's published fares, as files beside each other.
fn city(folder: &Path) -> Result<PathBuf> {
    let (archive, supplement) = fares::archive("beijing")?;
    fs::write(folder.join("city.zip"), archive)?;
    fs::write(folder.join("city.toml"), supplement)?;
    Ok(folder.join("city.zip"))
}

fn transit(town: &Town, arguments: &[&str]) -> Result<Output> {
    town.service.command()?.args(["--lang", "en", "transit"]).args(arguments).output().context("card-service starts")
}

fn printed(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_feed_is_checked_imported_and_listed() -> Result<()> {
    let (town, folder) = (Town::open()?, tempfile::tempdir()?);
    let feed = city(folder.path())?;
    let feed = feed.to_str().context("a path")?;
    let (code, said, _) = printed(&transit(&town, &["check", feed])?);
    assert_eq!((code, &*said), (Some(0), "The feed can be used: 21 stops, 4 routes, 178 leg rules"));
    let (code, said, _) = printed(&transit(&town, &["versions"])?);
    assert_eq!((code, &*said), (Some(0), "No fares have been imported"));

    let (code, said, _) = printed(&transit(&town, &["import", feed, "--from", "2099-01-01"])?);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("Version 1 is imported. These are the fares from 2099-01-01 04:00 on"), "{said}");
    let (code, _, said) = printed(&transit(&town, &["import", feed, "--from", "2020-01-01"])?);
    assert_eq!(
        (code, &*said),
        (Some(2), "card-service: Fares of days that have begun are not changed: choose a later day")
    );
    let listed = process::run(town.service.command()?.args(["--format", "json", "transit", "versions"]))?;
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout)?;
    assert_eq!((listed.len(), &listed[0]["version"], &listed[0]["imported_by"]), (1, &1.into(), &Value::Null));
    Ok(())
}

#[test]
fn a_feed_that_is_wrong_is_refused_with_every_place_in_both_languages() -> Result<()> {
    let (town, folder) = (Town::open()?, tempfile::tempdir()?);
    let feed = city(folder.path())?;
    let supplement = folder.path().join("city.toml");
    let text = fs::read_to_string(&supplement)?.replace("id = \"airport\"", "id = \"harbour\"");
    fs::write(&supplement, text)?;
    let feed = feed.to_str().context("a path")?;
    for command in ["check", "import"] {
        let (code, said, error) = printed(&transit(&town, &[command, feed])?);
        assert_eq!(code, Some(2), "{said}");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines,
            [
                "error supplement.toml network: says nothing of network airport: whether cards are shown once (on) or twice (on_off)",
                "error supplement.toml network: nothing is called harbour",
            ]
        );
        assert_eq!(error, "card-service: The feed was not taken: mend what is said above and try again");
    }
    let chinese = town.service.command()?.args(["--lang", "zh-CN", "transit", "check", feed]).output()?;
    let (_, said, error) = printed(&chinese);
    assert!(said.contains("错误 supplement.toml network: 没有名为 harbour 的项"), "{said}");
    assert_eq!(error, "card-service: 数据包未被接受：请改正以上问题后再试");
    fs::remove_file(&supplement)?;
    let (code, _, error) = printed(&transit(&town, &["check", feed])?);
    assert!(code == Some(2) && error.contains("city.toml"), "{error}");
    Ok(())
}
