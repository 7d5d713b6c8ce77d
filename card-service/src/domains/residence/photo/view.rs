//! What the page of a photo shows. Pure.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use card_schema::clock::Micros;
use card_schema::ids::HolderId;

use super::picture::{MAX_BYTES, Unusable};
use crate::console::frame::Frame;
use crate::console::view::minute;

/// The photo of a holder: whether there is one, and how a new one is taken.
#[derive(Debug, Template)]
#[template(path = "residence/photo.html")]
pub(super) struct PhotoPage {
    frame: Frame,
    holder: String,
    /// When the one that is kept was taken.
    taken: Option<String>,
    /// The picture that was just taken, as an address that holds it.
    picture: Option<String>,
    /// What was wrong with what was sent.
    wrong: Option<String>,
    /// What may be sent, in words.
    bounds: String,
}

impl PhotoPage {
    pub(super) fn new(frame: Frame, holder: HolderId, taken: Option<Micros>, scene: Scene<'_>) -> Self {
        let locale = frame.locale();
        let megabytes = (MAX_BYTES >> 20).to_string();
        let words = |key| locale.text_with(key, &[("megabytes", &megabytes)]);
        let (picture, wrong) = match scene {
            Scene::Asked => (None, None),
            Scene::Taken(portrait) => (Some(address(portrait)), None),
            Scene::Wrong(unusable) => (None, Some(words(unusable.key()))),
        };
        let bounds = words("photo-bounds");
        Self { frame, holder: holder.to_string(), taken: taken.map(minute), picture, wrong, bounds }
    }
}

/// What the page is shown for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scene<'a> {
    /// Somebody came to it.
    Asked,
    /// A picture was taken: the portrait that was made of it.
    Taken(&'a [u8]),
    /// What was sent cannot be kept.
    Wrong(Unusable),
}

/// A JPEG as an address that holds it (RFC 2397): the page needs no second request, which would be a second read.
pub fn address(portrait: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(portrait))
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::ids::Shard;

    use super::*;

    /// Every face of the page, for the render test.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let holder = HolderId::new(Shard(1), [7; 16]);
        let at = Some(Micros::from_seconds(1_795_000_000));
        [
            ("photo-none", None, Scene::Asked),
            ("photo-kept", at, Scene::Asked),
            ("photo-taken", at, Scene::Taken(b"invented")),
            ("photo-wrong", None, Scene::Wrong(Unusable::TooLarge)),
        ]
        .map(|(name, taken, scene)| {
            (name.to_owned(), PhotoPage::new(frame.clone(), holder, taken, scene).render().unwrap())
        })
        .into()
    }
}
