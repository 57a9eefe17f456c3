//! The program `chatbuch`: hands its arguments to [`chatbuch::cli`] and ends with the status that comes back.

use std::process::ExitCode;

fn main() -> ExitCode {
    chatbuch::cli::run(std::env::args_os())
}
