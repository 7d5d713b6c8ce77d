//! Whether people can use a page whatever they see with and point with: axe-core's rules, and what axe-core does not
//! measure: that a narrow screen needs no scrolling sideways, that the keyboard's focus can be seen, and that a page is
//! light and all from one place.
//!
//! `axe/` holds axe-core 4.14.1 as the npm package of that name brings it, unchanged, under MPL-2.0: its sources are in
//! that package. It is not part of any program that ships.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use crate::{Chromium, Look};

/// Deque's axe-core: makes `axe` in the page.
const AXE: &str = include_str!("../axe/axe.min.js");

/// Whether the document that is shown has axe-core already.
const HAS_AXE: &str = "arguments[arguments.length - 1](typeof axe === 'object')";

/// What of axe-core counts: WCAG 2.2 AA, with the rule that axe-core leaves out unless asked; or only the rules that are
/// named. Lesser findings are left to people who look.
const RUN: &str = "
    const [only, done] = arguments;
    const options = { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } };
    if (only) options.runOnly = { type: 'rule', values: only };
    axe.run(document, options).then(
        found => done(found.violations.filter(one => ['serious', 'critical'].includes(one.impact)).flatMap(
            one => one.nodes.map(node => ({ rule: one.id, place: node.target.join(' '), why: node.failureSummary })))),
        error => done([{ rule: 'axe-core', place: '', why: String(error) }]));
";

/// Focuses each thing that can be focused, as the keyboard does, and looks for an outline.
const FOCUS: &str = "
    const done = arguments[arguments.length - 1];
    const outline = element => {
        element.focus({ focusVisible: true });
        const style = getComputedStyle(element);
        // The browser's own is `auto`.
        return style.outlineStyle === 'auto' || style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    };
    const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [tabindex=\"0\"]');
    const held = document.activeElement;
    const bare = [...all].filter(element => element.checkVisibility() && !outline(element));
    held === document.body ? document.activeElement.blur() : held.focus();
    done(bare.map(element => ({ rule: 'focus-visible', place: element.outerHTML.slice(0, 120), why: 'no outline' })));
";

/// What has to be scrolled sideways: the page, or a box in it.
const OVERFLOW: &str = "
    const done = arguments[arguments.length - 1];
    const scrolls = element =>
        element === document.documentElement || ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
    const wide = [...document.querySelectorAll('*')].filter(
        element => scrolls(element) && element.scrollWidth > element.clientWidth);
    done(wide.map(element => ({ rule: 'reflow', place: element.outerHTML.slice(0, 60),
        why: `${element.scrollWidth} pixels wide in ${element.clientWidth}` })));
";

/// What of a page comes from elsewhere, and whether all of it together is more than a slow line carries in time.
const WEIGHT: &str = "
    const done = arguments[arguments.length - 1];
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const found = all.filter(one => new URL(one.name).origin !== location.origin).map(
        one => ({ rule: 'outside', place: one.name, why: 'it does not come from this site' }));
    const bytes = all.reduce((sum, one) => sum + one.encodedBodySize, 0);
    if (bytes > 60 * 1024) found.push({ rule: 'weight', place: location.pathname, why: `${bytes} bytes` });
    done(found);
";

/// Something that keeps somebody from using a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Barrier {
    /// axe-core's name of the rule, or `focus-visible`, `reflow`, `outside` or `weight`.
    pub rule: String,
    /// The element.
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

/// The rules that can find something in a look that they do not find in the plain one; none where that is all of them.
const fn rules(look: Look) -> Option<&'static [&'static str]> {
    match look {
        // The same page in other colours, and the same page with more room.
        Look::Dark => Some(&["color-contrast", "link-in-text-block"]),
        Look::Kiosk => Some(&["target-size", "scrollable-region-focusable"]),
        Look::Office | Look::Narrow | Look::Till | Look::Print => None,
    }
}

/// The barriers on the page that is shown, in the look in which it is shown.
///
/// # Errors
/// When the page allows no scripts of WebDriver's.
pub fn barriers(browser: &Chromium, look: Look) -> Result<Vec<Barrier>> {
    let axe = if browser.run(HAS_AXE, &[])? == true { "" } else { AXE };
    let only = [json!(rules(look))];
    let mut found = Vec::new();
    for (script, arguments) in [(&*format!("{axe};{RUN}"), &only[..]), (FOCUS, &[]), (OVERFLOW, &[]), (WEIGHT, &[])] {
        let answer = browser.run(script, arguments)?;
        let barriers: Vec<Barrier> = serde_json::from_value(answer).context("a script answers with barriers")?;
        found.extend(barriers);
    }
    Ok(found)
}
