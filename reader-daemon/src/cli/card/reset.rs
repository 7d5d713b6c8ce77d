//! `card reset`: a card back to factory state, whatever is on it.

use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;

use super::super::{at_reader::AtReader, messages::CliError, output::Context};

#[derive(Debug, Serialize)]
struct Done {
    done: bool,
    reader: String,
}

pub(super) fn run(is_confirmed: bool, at: &AtReader, context: Context) -> Result<(), CliError> {
    if !is_confirmed {
        return Err(CliError::usage(
            "not-confirmed",
            "重置会清除卡内的密钥、证书和 PIN，且无法恢复。确认请加 --yes。",
            "A reset destroys keys, certificates and PIN on the card for good. Confirm with --yes.",
        ));
    }
    let reader = at.choose()?;
    at.with_card(&reader, |card| {
        card.select()?;
        let random = SystemRandom::new();
        card.reset_from_any_state(|| {
            let mut bytes = [0; 8];
            random.fill(&mut bytes).expect("the system gives random bytes");
            bytes
        })
    })?;
    context.print(&Done { done: true, reader }, |_| {
        context.language.choose("卡片已恢复出厂状态。", "The card is in factory state again.").to_owned()
    });
    Ok(())
}
