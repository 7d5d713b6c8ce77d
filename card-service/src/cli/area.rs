//! `card-service area`: where the grid cells of the city lie.

use std::path::{Path, PathBuf};

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed};
use crate::clock;
use crate::db::Db;
use crate::domains::residence::area::{self, Imported};
use crate::domains::residence::map;

/// The largest file that is read, in bytes: a hundred thousand cells with forty points each have less.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// Commands of `area`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum AreaCommand {
    /// Read grid cells from a GeoJSON file; cells that are known by their code become what the file says
    #[command(after_help = "\
Examples:
  card-service area import cells.geojson --data-dir ./data

The file is a FeatureCollection. Each feature is a cell: a Polygon or MultiPolygon (longitude and latitude, WGS 84) with the \
properties code, name, community_code, community, street_code, street, district_code and district. Cells that the file does \
not name stay, because houses lie in them. Either all of the file is taken or nothing.

Exit codes: 0 read, 1 failed, 2 something is wrong with the file, 4 no database.")]
    Import {
        /// The file
        file: PathBuf,
    },
}

pub(super) fn run(context: Context, settings: &Settings, command: &AreaCommand) -> Result<(), CliError> {
    let AreaCommand::Import { file } = command;
    let text = read(file)?;
    let url = settings.load()?.database_url();
    let imported = block_on(async {
        let db = Db::open(&url).await.map_err(|error| database_failed(&error))?;
        let imported = area::import(&db, clock::now(), &text).await;
        // The map shows the new cells at once, not tomorrow.
        let counted = db.write_concurrently(|tx| Box::pin(map::forget(tx))).await;
        db.close().await;
        counted.and(imported).map_err(|error| database_failed(&error))
    })?;
    let imported = imported.map_err(|fault| CliError::wrong_text(fault.key, fault.values))?;
    context.print(&imported, |Imported { cells, changed, above }| {
        let values = [("cells", cells.to_string()), ("changed", changed.to_string()), ("above", above.to_string())];
        context.locale.text_with("cli-area-imported", &values.each_ref().map(|(name, value)| (*name, value.as_str())))
    });
    Ok(())
}

fn read(file: &Path) -> Result<String, CliError> {
    let length = std::fs::metadata(file).map_err(|error| CliError::usage(&error))?.len();
    if length > FILE_MAX_BYTES {
        return Err(CliError::wrong_text("area-file-too-large", vec![("max", (FILE_MAX_BYTES >> 20).to_string())]));
    }
    std::fs::read_to_string(file).map_err(|error| CliError::usage(&error))
}
