//! The program `chatbuch`: hands its arguments to [`cli`] and ends with the status that comes back.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
