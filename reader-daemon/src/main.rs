//! The program `reader-daemon`: reads the command line and hands over; holds no logic of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    reader_daemon::cli::main()
}
