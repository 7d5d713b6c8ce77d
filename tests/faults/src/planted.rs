//! The card service with a planted defect, built only to show that a campaign finds it.

use std::process::ExitCode;

fn main() -> ExitCode {
    card_service::cli::main()
}
