//! `hexmile`: the server and its tools.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    match command.run() {
        Ok(code) => code,
        Err(error) => {
            // One line a cause: what failed first, then why.
            eprintln!("hexmile: {error:#}");
            ExitCode::FAILURE
        }
    }
}
