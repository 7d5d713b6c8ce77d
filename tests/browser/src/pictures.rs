//! Where pictures of pages go, when somebody wants to look at them: taking them takes longer than all else in a story.

use std::{env, fs, path::Path};

use anyhow::{Context, Result, ensure};

/// Set, pictures are kept.
const KEEP_VARIABLE: &str = "KEEP_PICTURES";
/// Set to 1, the pictures in the papers are made anew.
pub const UPDATE_VARIABLE: &str = "UPDATE_PICTURES";

/// The most that a picture in the papers may weigh.
const BYTES_MAX: usize = 200 * 1024;

/// Takes a picture of a page, or the page on paper, and writes it beside the test's programs, if that was asked for.
///
/// # Errors
/// When it cannot be taken, or the folder cannot be written.
pub fn keep(name: &str, take: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
    if env::var_os(KEEP_VARIABLE).is_none() {
        return Ok(());
    }
    let mut folder = env::current_exe().context("the test's own path")?;
    // From the test's program, past `deps`, to the folder of the profile.
    folder.pop();
    folder.pop();
    folder.push("pictures");
    fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    fs::write(&file, take()?).with_context(|| file.display().to_string())
}

/// Makes a picture of the papers anew, if that was asked for.
///
/// # Errors
/// When it is too heavy or cannot be written.
pub fn update(name: &str, take: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
    if env::var(UPDATE_VARIABLE).is_ok_and(|wanted| wanted == "1") {
        let png = take()?;
        ensure!(png.len() <= BYTES_MAX, "{name}: {} bytes are too many for a picture of the papers", png.len());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
        fs::write(folder.join(format!("{name}.png")), png).with_context(|| format!("writing {name}.png"))?;
    }
    Ok(())
}

/// The text of the one square code in a picture.
///
/// # Errors
/// When there is none, or several, or it cannot be read.
pub fn scanned(picture: &[u8]) -> Result<String> {
    let grey = image::load_from_memory(picture)?.to_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let at = |x: usize, y: usize| grey.as_raw()[y * width + x];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
    let grids = prepared.detect_grids();
    ensure!(grids.len() == 1, "{} square codes instead of one", grids.len());
    Ok(grids[0].decode()?.1)
}
