//! The `card-service` program. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    card_service::cli::main()
}
