//! Texts for people, in Simplified Chinese and English, from `i18n/*/*.ftl` (Fluent).
//!
//! Both files have the same keys; a test says so. Holds no page.

use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use serde::Deserialize;
use unic_langid::LanguageIdentifier;
use utoipa::ToSchema;

/// A language that people read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, ToSchema)]
pub enum Locale {
    /// Simplified Chinese, also where the browser says nothing.
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English.
    #[serde(rename = "en")]
    En,
}

const ZH_CN: &[&str] = &[
    include_str!("../../i18n/zh-CN/service.ftl"),
    include_str!("../../i18n/zh-CN/console.ftl"),
    include_str!("../../i18n/zh-CN/residence.ftl"),
    include_str!("../../i18n/zh-CN/find.ftl"),
    include_str!("../../i18n/zh-CN/permit.ftl"),
    include_str!("../../i18n/zh-CN/paper.ftl"),
    include_str!("../../i18n/zh-CN/import.ftl"),
    include_str!("../../i18n/zh-CN/photo.ftl"),
    include_str!("../../i18n/zh-CN/people.ftl"),
    include_str!("../../i18n/zh-CN/homes.ftl"),
    include_str!("../../i18n/zh-CN/staff.ftl"),
    include_str!("../../i18n/zh-CN/cards.ftl"),
    include_str!("../../i18n/zh-CN/terminals.ftl"),
    include_str!("../../i18n/zh-CN/roster.ftl"),
    include_str!("../../i18n/zh-CN/timeline.ftl"),
    include_str!("../../i18n/zh-CN/transit.ftl"),
    include_str!("../../i18n/zh-CN/fares.ftl"),
    include_str!("../../i18n/zh-CN/reversal.ftl"),
    include_str!("../../i18n/zh-CN/agreement.ftl"),
    include_str!("../../i18n/zh-CN/points.ftl"),
    include_str!("../../i18n/zh-CN/quarantine.ftl"),
    include_str!("../../i18n/zh-CN/receipt.ftl"),
    include_str!("../../i18n/zh-CN/suspicion.ftl"),
    include_str!("../../i18n/zh-CN/gate.ftl"),
    include_str!("../../i18n/zh-CN/security.ftl"),
    include_str!("../../i18n/zh-CN/insurance.ftl"),
    include_str!("../../i18n/zh-CN/coverage.ftl"),
    include_str!("../../i18n/zh-CN/clinic.ftl"),
];
const EN: &[&str] = &[
    include_str!("../../i18n/en/service.ftl"),
    include_str!("../../i18n/en/console.ftl"),
    include_str!("../../i18n/en/residence.ftl"),
    include_str!("../../i18n/en/find.ftl"),
    include_str!("../../i18n/en/permit.ftl"),
    include_str!("../../i18n/en/paper.ftl"),
    include_str!("../../i18n/en/import.ftl"),
    include_str!("../../i18n/en/photo.ftl"),
    include_str!("../../i18n/en/people.ftl"),
    include_str!("../../i18n/en/homes.ftl"),
    include_str!("../../i18n/en/staff.ftl"),
    include_str!("../../i18n/en/cards.ftl"),
    include_str!("../../i18n/en/terminals.ftl"),
    include_str!("../../i18n/en/roster.ftl"),
    include_str!("../../i18n/en/timeline.ftl"),
    include_str!("../../i18n/en/transit.ftl"),
    include_str!("../../i18n/en/fares.ftl"),
    include_str!("../../i18n/en/reversal.ftl"),
    include_str!("../../i18n/en/agreement.ftl"),
    include_str!("../../i18n/en/points.ftl"),
    include_str!("../../i18n/en/quarantine.ftl"),
    include_str!("../../i18n/en/receipt.ftl"),
    include_str!("../../i18n/en/suspicion.ftl"),
    include_str!("../../i18n/en/gate.ftl"),
    include_str!("../../i18n/en/security.ftl"),
    include_str!("../../i18n/en/insurance.ftl"),
    include_str!("../../i18n/en/coverage.ftl"),
    include_str!("../../i18n/en/clinic.ftl"),
];

/// The key of a text, and what it is filled in with.
pub type Words = (&'static str, Vec<(&'static str, String)>);

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<HashMap<Locale, Bundle>> =
    LazyLock::new(|| Locale::ALL.map(|locale| (locale, bundle(locale))).into());

fn bundle(locale: Locale) -> Bundle {
    let language: LanguageIdentifier = locale.tag().parse().expect("both tags are well-formed");
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Isolation marks help mixed directions; ours are both left to right and pages are searched and copied.
    bundle.set_use_isolating(false);
    for source in locale.sources() {
        let resource = FluentResource::try_new((*source).to_owned())
            .unwrap_or_else(|(_, errors)| panic!("i18n/{}: {errors:?}", locale.tag()));
        bundle.add_resource(resource).expect("no key stands twice");
    }
    bundle
}

impl Locale {
    /// Every locale.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::ZhCn => ZH_CN,
            Self::En => EN,
        }
    }

    /// The locale of a tag, by its language alone.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The text of a key; the key itself where there is none, which a test keeps from happening.
    pub fn text(self, key: &str) -> String {
        self.text_with(key, &[])
    }

    /// The text of a key with values filled in.
    pub fn text_with(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut arguments = FluentArgs::new();
        for (name, value) in values {
            arguments.set(*name, *value);
        }
        self.filled(key, &arguments)
    }

    /// The text of a key for so many, as `count`.
    pub fn text_of(self, key: &str, count: u64) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("count", count);
        self.filled(key, &arguments)
    }

    fn filled(self, key: &str, arguments: &FluentArgs<'_>) -> String {
        let bundle = &BUNDLES[&self];
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        bundle.format_pattern(pattern, Some(arguments), &mut Vec::new()).into_owned()
    }

    /// Whether there is a text for this key.
    pub fn has(self, key: &str) -> bool {
        BUNDLES[&self].has_message(key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(sources: &'static [&'static str]) -> BTreeSet<&'static str> {
        sources
            .iter()
            .flat_map(|source| source.lines())
            .filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()))
            .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
            .collect()
    }

    #[test]
    fn one_is_told_from_many_where_a_language_does() {
        for (locale, one, many) in [(Locale::En, "1 tap", "1200 taps"), (Locale::ZhCn, "1 笔", "1200 笔")] {
            let texts = [1, 1_200].map(|count| locale.text_of("quarantine-taps", count));
            assert_eq!(texts, [one, many]);
        }
    }

    #[test]
    fn both_languages_have_the_same_texts_and_none_is_empty() {
        assert_eq!(keys(ZH_CN), keys(EN));
        for key in keys(EN) {
            for locale in Locale::ALL {
                assert!(locale.has(key) && !locale.text(key).trim().is_empty(), "{} {key}", locale.tag());
            }
        }
    }
}
