//! What a page weighs with everything that belongs to it, as it is sent, and whether it leads out of the house.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use town::http::{Client, Visit};

/// The heaviest page that was seen, with what a browser that has seen none of it fetches besides.
#[derive(Debug, Default)]
pub(super) struct Weight {
    pub(super) page: &'static str,
    pub(super) bytes: usize,
    /// What was fetched, and what it weighs.
    assets: BTreeMap<String, usize>,
}

impl Weight {
    /// Weighs a page, and keeps it where none is heavier.
    pub(super) fn put(&mut self, client: &Client, page: &'static str, visit: &Visit) -> Result<()> {
        let mut bytes = visit.sent;
        for path in fetched(&String::from_utf8_lossy(&visit.body)) {
            bytes += if let Some(weight) = self.assets.get(&path) {
                *weight
            } else {
                let asset = client.visit(&path, None)?;
                ensure!(asset.status == 200, "{page} wants {path}, which answers {}", asset.status);
                self.assets.insert(path, asset.sent);
                asset.sent
            };
        }
        if bytes > self.bytes {
            (self.page, self.bytes) = (page, bytes);
        }
        Ok(())
    }
}

/// What a browser fetches by itself for a page: sources, style sheets, icons.
fn fetched(page: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = values(page, "src").collect();
    for link in page.split("<link ").skip(1) {
        let link = link.split('>').next().unwrap_or_default();
        found.extend(values(link, "href"));
    }
    found
}

/// Addresses in a page that a browser would fetch, and that are not of this house.
pub(super) fn outside(page: &str) -> Vec<String> {
    let fetched = fetched(page).into_iter();
    let styles = page.split("url(").skip(1).map(|rest| rest.split(')').next().unwrap_or_default().to_owned());
    let sent = values(page, "action");
    let is_own = |address: &String| address.starts_with('/') && !address.starts_with("//");
    fetched.chain(styles).chain(sent).filter(|address| !is_own(address)).collect()
}

/// The values of an attribute.
fn values(text: &str, name: &str) -> impl Iterator<Item = String> {
    let start = format!(" {name}=\"");
    let starts: Vec<usize> = format!(" {text}").match_indices(&start).map(|(at, _)| at + start.len() - 1).collect();
    let text = text.to_owned();
    starts.into_iter().filter_map(move |at| text[at..].split_once('"').map(|(value, _)| value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<link rel="stylesheet" href="/assets/a.css"><img alt="" src="/assets/i.svg"><a href="/find">
        <form method="post" action="/language">"#;

    #[test]
    fn what_belongs_to_a_page_is_fetched_and_where_it_only_leads_is_not() {
        assert_eq!(fetched(PAGE), ["/assets/a.css", "/assets/i.svg"].map(str::to_owned).into());
        assert!(outside(PAGE).is_empty());
    }

    #[test]
    fn an_address_of_another_house_is_found() {
        for planted in [
            r#"<script src="https://cdn.test/htmx.js"></script>"#,
            r#"<link rel="stylesheet" href="//fonts.test/f.css">"#,
            r#"<p style="background: url(http://pictures.test/p.png)">"#,
            r#"<form action="https://forms.test/">"#,
        ] {
            assert_eq!(outside(&format!("{PAGE}{planted}")).len(), 1, "{planted}");
        }
    }
}
