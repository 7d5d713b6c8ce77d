//! The pages of what is done at readers, of fares, of social security and clinics, and of records that are one person's.

use super::*;
use crate::console::{clinics, concessions, find, gate_desk, insurance, journeys, reader_job};

/// The pages of what is done at readers, of fares, and of records that are one person's.
pub(super) fn pages(locale: Locale) -> Vec<(String, String)> {
    let frame = |path: &str| Frame::new(locale, path, Some(&staff()));
    let mut pages = Vec::new();
    pages.extend(reader_job::tests::pages(locale, &frame));
    pages.extend(concessions::tests::pages(&frame("/holders/x/concessions")));
    pages.extend(journeys::tests::pages(&frame("/holders/x/journeys")));
    pages.extend(insurance::tests::pages(&frame("/filings")));
    pages.extend(clinics::tests::pages(&frame("/clinics")));
    pages.extend(transit::pages::tests::pages(&frame("/fares")));
    pages.extend(transit::settlement::pages::tests::pages(&frame("/fares/settlement")));
    pages.extend(gate::tests::pages::pages(&frame("/gates/x")));
    pages.extend(find::tests::pages(locale).into_iter().chain(gate_desk::tests::pages(locale)));
    let facts = Facts::default().with(Field::Name, "测试甲").with(Field::DocumentNumber, "T1234567");
    let [one, other] = [[8; 16], [9; 16]].map(|id| HolderId::new(Shard(3), id));
    for missing in [false, true] {
        let page = ComparePage::new(frame("/holders/x/merge"), one, other, [&facts, &facts], missing);
        pages.push((format!("merge-compare-{missing}"), page.render().unwrap()));
    }
    for (name, no_desk) in [("asks", false), ("missing", true)] {
        let today = Date::of_utc(AT);
        let wrong = residence::rules::check_fields(DOCUMENT, &Facts::default(), today).unwrap_err();
        let wrong: Vec<_> = wrong.into_iter().filter(|_| no_desk).collect();
        let page = UnblockPage {
            frame: frame("/holders/x/cards/y/unblock"),
            holder: "x".to_owned(),
            card: "y".to_owned(),
            card_short: "0004b403".to_owned(),
            inputs: inputs(locale, DOCUMENT, &Facts::default(), &wrong, today),
            desks: vec![Choice::new("a", "测试读卡器".to_owned())],
            no_desk,
        };
        pages.push((format!("unblock-form-{name}"), page.render().unwrap()));
        let inputs = inputs(locale, DOCUMENT, &Facts::default(), &wrong, today);
        let page = MergePage { frame: frame("/holders/x/merge"), holder: "x".to_owned(), inputs };
        pages.push((format!("merge-{name}"), page.render().unwrap()));
    }
    pages
}
