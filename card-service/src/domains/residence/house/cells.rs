//! Choosing a cell among very many: what is offered at once fits on a page, and what is larger than a cell leads on.

use super::model::CellAnswer;
use crate::db::{Connection, DbError};
use crate::domains::residence::area::model::{AreaKey, Level};
use crate::domains::residence::area::store::{self, Named};

/// The most areas that are offered at once.
const OFFERED_MAX: usize = 400;

/// What is offered: areas of one level, by that in which they lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domains::residence) struct Choices {
    /// Whether they are cells; otherwise what is chosen leads on.
    pub(in crate::domains::residence) cells: bool,
    /// The name of what they lie in; values and names.
    pub(in crate::domains::residence) groups: Vec<(String, Vec<(String, String)>)>,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domains::residence) enum Chosen {
    /// Nothing that there is.
    Nothing,
    /// An answer to the question.
    Answer(CellAnswer),
    /// What leads on.
    Area(AreaKey),
}

/// The value of the answer that nobody knows.
pub(in crate::domains::residence) const NOT_KNOWN: &str = "not-known";

fn value(area: &Named) -> String {
    format!("{}:{}", area.level.name(), area.code)
}

/// Reads the value of an answer.
pub(in crate::domains::residence) async fn chosen(connection: &mut Connection, value: &str) -> Result<Chosen, DbError> {
    if value == NOT_KNOWN {
        return Ok(Chosen::Answer(CellAnswer::NotKnown));
    }
    let named = value.split_once(':').and_then(|(level, code)| Some((Level::from_name(level)?, code)));
    let Some((level, code)) = named else { return Ok(Chosen::Nothing) };
    if store::path(connection, level, code).await?.is_empty() {
        return Ok(Chosen::Nothing);
    }
    let code = code.to_owned();
    Ok(if level == Level::Cell { Chosen::Answer(CellAnswer::In(code)) } else { Chosen::Area((level, code)) })
}

/// The smallest areas that fit on a page: of the whole city, or of one area.
pub(in crate::domains::residence) async fn choices(
    connection: &mut Connection,
    under: Option<&AreaKey>,
) -> Result<Choices, DbError> {
    let top = match under {
        Some((level, code)) => store::path(connection, *level, code).await?.pop(),
        None => None,
    };
    let (mut level, parent) = match &top {
        Some(area) => (area.level.below().unwrap_or(Level::Cell), area.code.clone()),
        None => (Level::District, String::new()),
    };
    let mut above: Vec<Named> = top.into_iter().collect();
    let mut shown = store::named_below(connection, level, &[parent]).await?;
    while let Some(below) = level.below() {
        let parents: Vec<_> = shown.iter().map(|area| area.code.clone()).collect();
        if store::count_below(connection, below, &parents).await? > OFFERED_MAX {
            break;
        }
        above = shown;
        shown = store::named_below(connection, below, &parents).await?;
        level = below;
    }
    let mut groups: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for parts in shown.chunk_by(|one, next| one.parent == next.parent) {
        let name = above.iter().find(|area| area.code == parts[0].parent).map(|area| area.name.clone());
        let parts = parts.iter().map(|area| (value(area), area.name.clone())).collect();
        groups.push((name.unwrap_or_default(), parts));
    }
    Ok(Choices { cells: level == Level::Cell, groups })
}
