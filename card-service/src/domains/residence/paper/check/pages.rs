//! The page on which anybody checks a paper. What is typed comes in the body of the request, never in an address.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, Form, State};
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::envelope::paper::Printed;
use zeroize::Zeroizing;

use super::{Checked, Typed, Verdict, check};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::view::{Tag, grouped, minute};
use crate::console::{asking, page};
use crate::domains::residence::model::Typed as Fields;
use crate::domains::residence::paper::view::kind_text;
use crate::domains::residence::view::key;
use crate::http::{Refusal, language};
use crate::i18n::Locale;
use crate::keys::paper::CHECKED_AT;

/// The longest text of a square code that is looked at: three times that of a paper.
const TEXT_CHARS: u16 = 600;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    // The answer has an address of its own: where one paper's answer is shown, scanning the next one opens another page.
    [(CHECKED_AT, get(ask)), ("/papers/check/answer", post(answer).get(back))]
}

/// What came of a check, in words.
#[derive(Clone, Debug)]
struct Outcome {
    verdict: Tag,
    says: String,
    /// What the paper says of itself: labels and values.
    facts: Vec<(String, String)>,
    /// Whether what was typed is what was signed.
    named: Option<(Tag, String)>,
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "residence/paper_check.html")]
struct CheckPage {
    frame: Frame,
    /// The text that was checked.
    text: String,
    result: Option<Outcome>,
    inputs: Vec<Input>,
}

impl CheckPage {
    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }

    /// Asks for the text of a square code.
    fn asks(frame: Frame, missing: bool) -> Self {
        let wrong = missing.then(|| frame.t("paper-check-missing"));
        let text = Input::text("text", frame.t("paper-check-text"), "").hint(frame.t("paper-check-hint"));
        Self { text: String::new(), result: None, inputs: vec![Input { max: TEXT_CHARS, ..text.wrong(wrong) }], frame }
    }

    /// Says what came of it, and asks for what else is on the paper.
    fn says(frame: Frame, text: &str, checked: &Checked, compared: &Compared) -> Self {
        let is_compared = matches!(checked.paper, Some(Printed::Paper(_)));
        let inputs = if is_compared { compared.inputs(frame.locale()) } else { Vec::new() };
        let result = Some(Outcome::new(frame.locale(), checked));
        Self { text: text.to_owned(), result, inputs, frame }
    }
}

impl Outcome {
    fn new(locale: Locale, checked: &Checked) -> Self {
        let tone = match checked.verdict {
            Verdict::Genuine => Tone::Ok,
            Verdict::NotYet => Tone::Wait,
            Verdict::Expired => Tone::Idle,
            Verdict::Withdrawn | Verdict::NotOurs => Tone::No,
        };
        let name = key(checked.verdict.name());
        let named = checked.is_named.map(|is_named| {
            let (name, tone) = if is_named { ("same", Tone::Ok) } else { ("other", Tone::No) };
            let tag = Tag { text: locale.text(&format!("paper-named-{name}")), tone };
            (tag, locale.text(&format!("paper-named-{name}-says")))
        });
        let fact = |name: &str, value| (locale.text(&format!("paper-{name}")), value);
        let facts = match checked.paper {
            None => Vec::new(),
            Some(Printed::Paper(paper)) => vec![
                fact("kind", kind_text(locale, paper.kind)),
                fact("number", grouped(paper.number)),
                fact("valid-until", paper.valid_until.to_string()),
            ],
            Some(Printed::Pass(pass)) => {
                let mut facts = vec![
                    fact("kind", locale.text("paper-kind-gate-pass")),
                    fact("number", grouped(pass.number)),
                    fact("valid-from", minute(pass.from)),
                    fact("valid-until", minute(pass.until)),
                ];
                facts.extend(checked.site.clone().map(|site| fact("site", site)));
                facts
            }
        };
        // A pass is whoever's has it: nothing is said of a name.
        let of_pass = matches!(checked.paper, Some(Printed::Pass(_)));
        let says = if of_pass { "-pass-says" } else { "-says" };
        Self {
            verdict: Tag { text: locale.text(&format!("paper-verdict-{name}")), tone },
            says: locale.text(&format!("paper-verdict-{name}{says}")),
            facts,
            named,
        }
    }
}

/// What was typed from the paper, as it was typed.
#[derive(Clone, Debug, Default)]
struct Compared {
    name: Zeroizing<String>,
    document_number: Zeroizing<String>,
    code: Zeroizing<String>,
    /// The form was sent.
    is_sent: bool,
}

impl Compared {
    fn of(form: &Fields) -> Self {
        let typed = |name: &str| form.get(name).map_or_else(Zeroizing::default, |text| text.trim().to_owned().into());
        Self {
            name: typed("name"),
            document_number: typed("document_number"),
            code: typed("code"),
            is_sent: form.contains_key("code"),
        }
    }

    /// What is compared, where everything was typed.
    fn whole(&self) -> Option<Typed> {
        let code = self.code.parse().ok()?;
        let is_whole = !self.name.is_empty() && !self.document_number.is_empty();
        is_whole.then(|| Typed { name: self.name.clone(), document_number: self.document_number.clone(), code })
    }

    fn inputs(&self, locale: Locale) -> Vec<Input> {
        let input = |name: &'static str, value: &str, is_wrong: bool| {
            let wrong = (self.is_sent && is_wrong).then(|| locale.text(&format!("paper-compare-{}-wrong", key(name))));
            Input::text(name, locale.text(&format!("paper-compare-{}", key(name))), value).wrong(wrong)
        };
        let is_code = self.code.parse::<card_schema::paper::CheckCode>().is_ok();
        vec![
            input("name", &self.name, self.name.is_empty()),
            input("document_number", &self.document_number, self.document_number.is_empty()),
            Input { mode: "numeric", ..input("code", &self.code, !is_code) }
                .hint(locale.text("paper-compare-code-hint")),
        ]
    }
}

async fn ask(headers: HeaderMap) -> Result<Response, Refusal> {
    page(&CheckPage::asks(Frame::new(language(&headers), CHECKED_AT, None), false))
}

async fn back() -> Redirect {
    Redirect::to(CHECKED_AT)
}

async fn answer(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Result<Response, Refusal> {
    let frame = Frame::new(language(&headers), CHECKED_AT, None);
    let text = form.get("text").map_or("", |text| text.trim());
    if text.is_empty() {
        return asking(&CheckPage::asks(frame, true), true);
    }
    let compared = Compared::of(&form);
    let checked = check(&app, peer.ip(), text, compared.whole()).await?;
    let shown = CheckPage::says(frame, text, &checked, &compared);
    let is_wrong = shown.is_wrong();
    asking(&shown, is_wrong)
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::date::Date;
    use card_schema::envelope::paper::{Paper, PaperKind};
    use card_schema::envelope::pass::Pass;
    use card_schema::ids::{PaperNumber, SiteId};

    use super::*;

    /// The page in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let paper = Paper {
            kind: PaperKind::Certificate,
            number: PaperNumber([0x1f; 10]),
            valid_until: Date::new(2027, 5, 23).unwrap(),
            binding: [0; 16],
        };
        let (paper, at) = (Printed::Paper(paper), Micros(1_795_424_645_000_000));
        let (number, site) = (PaperNumber([0x1f; 10]), SiteId::from_bytes([7; 16]));
        let pass = Printed::Pass(Pass { number, site, from: at, until: at.plus_seconds(3_600) });
        let mut shown = vec![
            ("asks".to_owned(), CheckPage::asks(frame.clone(), false)),
            ("missing".to_owned(), CheckPage::asks(frame.clone(), true)),
        ];
        for verdict in Verdict::ALL {
            let paper = match verdict {
                Verdict::NotOurs => None,
                Verdict::NotYet => Some(pass),
                _ => Some(paper),
            };
            let checked = Checked { verdict, paper, site: None, is_named: None };
            let page = CheckPage::says(frame.clone(), "AAAA", &checked, &Compared::default());
            shown.push((verdict.name().to_owned(), page));
        }
        for (verdict, site) in [(Verdict::Genuine, true), (Verdict::Expired, true), (Verdict::Withdrawn, false)] {
            let checked =
                Checked { verdict, paper: Some(pass), site: site.then(|| "测试小区".to_owned()), is_named: None };
            let page = CheckPage::says(frame.clone(), "AAAA", &checked, &Compared::default());
            shown.push((format!("pass-{}", verdict.name()), page));
        }
        for is_named in [true, false] {
            let verdict = Verdict::Genuine;
            let checked = Checked { verdict, paper: Some(paper), site: None, is_named: Some(is_named) };
            let typed = Compared { is_sent: !is_named, ..Compared::default() };
            shown.push((format!("named-{is_named}"), CheckPage::says(frame.clone(), "AAAA", &checked, &typed)));
        }
        shown.into_iter().map(|(name, page)| (format!("paper-check-{name}"), page.render().unwrap())).collect()
    }
}
