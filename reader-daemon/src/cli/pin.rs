//! `pin enter`: answers what a job at this reader asks of the person: a new PIN, the PIN, an agreement.

use clap::{Args, Subcommand};

use super::{Settings, messages::CliError, output::Context};
use crate::local::{
    client::Client,
    wire::{PinText, Prompt, PromptAnswer, PromptKind},
};

/// Arguments of `pin`.
#[derive(Debug, Args)]
pub(super) struct PinArgs {
    #[command(subcommand)]
    command: PinCommand,
}

#[derive(Debug, Subcommand)]
enum PinCommand {
    /// Wait for the next question of a job and answer it
    #[command(
        after_help = "Examples:\n  reader-daemon pin enter\n  echo 246810 | reader-daemon pin enter --pin-stdin --yes"
    )]
    Enter {
        /// Read the PIN from the first line of stdin
        #[arg(long)]
        pin_stdin: bool,
        /// Agree to the text that the card is to sign, without being asked again
        #[arg(long)]
        yes: bool,
        /// Seconds to wait for a question
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
}

pub(super) fn run(args: &PinArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let PinCommand::Enter { pin_stdin, yes, wait } = args.command;
    let client = Client::open(&settings.load()?.local_file())?;
    let prompts: Vec<Prompt> = super::block_on(client.get(&format!("/v1/prompts?wait_s={wait}")))??;
    let Some(prompt) = prompts.into_iter().find(|prompt| prompt.kind != PromptKind::InsertCard) else {
        return Err(CliError::nothing(
            "no-question",
            "目前没有需要回答的问题。请先在控制台为本读卡器发起任务。",
            "Nothing is being asked. Start a job for this reader in the console first.",
        ));
    };
    if let Some(text) = &prompt.text {
        context.progress(text, text);
    }
    let confirm = yes || prompt.kind != PromptKind::Consent || agree(context)?;
    let pin = if confirm { Some(read_pin(&prompt, pin_stdin, context)?) } else { None };
    let path = format!("/v1/prompts/{}", prompt.id);
    let () = super::block_on(client.post(&path, &PromptAnswer { pin, confirm }))??;
    context.print(&prompt, |_| {
        let (zh, en) = if confirm { ("已提交。", "Handed to the card.") } else { ("已拒绝。", "Declined.") };
        context.language.choose(zh, en).to_owned()
    });
    Ok(())
}

fn agree(context: Context) -> Result<bool, CliError> {
    context.progress("同意请输入 yes：", "Type yes to agree:");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| super::messages_daemon::no_pin(&error))?;
    Ok(line.trim() == "yes")
}

/// The PIN of a card, from the first line of stdin or typed unseen.
pub(super) fn read(from_stdin: bool, context: Context) -> Result<PinText, CliError> {
    if !from_stdin {
        return ask(context, "PIN：", "PIN: ");
    }
    let mut line = zeroize::Zeroizing::new(String::new());
    std::io::stdin().read_line(&mut line).map_err(|error| super::messages_daemon::no_pin(&error))?;
    Ok(PinText(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn ask(context: Context, zh: &str, en: &str) -> Result<PinText, CliError> {
    rpassword::prompt_password(context.language.choose(zh, en))
        .map(PinText)
        .map_err(|error| super::messages_daemon::no_pin(&error))
}

fn read_pin(prompt: &Prompt, from_stdin: bool, context: Context) -> Result<PinText, CliError> {
    if from_stdin || prompt.kind != PromptKind::NewPin {
        return read(from_stdin, context);
    }
    let pin = ask(context, "新 PIN（6 至 8 位数字）：", "New PIN (6 to 8 digits): ")?;
    if pin == ask(context, "再输入一次：", "Once more: ")? {
        Ok(pin)
    } else {
        Err(CliError::usage("pins-differ", "两次输入的 PIN 不同，请重试。", "The two PINs differ. Try again."))
    }
}
