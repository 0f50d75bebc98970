//! `cargo xtask`: the one runner. The README's commands, CI's and a person's are the same.

mod bench;
mod check;
mod debian;
mod demo;
mod explorer;
mod kotlin;
mod library;
mod peers;
mod process;
mod schemathesis;
mod server;
mod soak;
mod swift;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The runner of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A server, a simulated city that drives, and the live map in a browser
    Demo(demo::Args),
    /// Every suite; installs what a suite needs where it can
    Test(test::Args),
    /// The same for hours: kills, made-up requests, fuzzing
    Soak(soak::Args),
    /// Format, lints, docs, dependency directions, migrations, generated code
    Check,
    /// Build the library that phones load, as it is shipped
    Library(library::Args),
    /// Measure, print a table and write BENCHMARKS.md
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run_suites(&args),
        Command::Soak(args) => soak::run_soak(&args),
        Command::Check => check::run_all(),
        Command::Library(args) => library::build_library(&args),
        Command::Bench(args) => bench::run_bench(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            process::say(&format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
