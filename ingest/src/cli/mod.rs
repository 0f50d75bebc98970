//! The command line.

mod client;
mod epoch;
mod export;
mod serve;
mod verify;

use std::{io::IsTerminal, process::ExitCode};

use anyhow::anyhow;
use clap::{Parser, Subcommand};
use hexmile_ingest::config::Config;
use tracing_subscriber::EnvFilter;

/// Hexmile: signed drives in, live traffic and exact rewards out
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server
    ///
    /// Settings come from flags, then from HEXMILE variables, then from the file, then from defaults.
    Serve(Box<serve::Serve>),
    /// Close, show or verify epochs of a running server
    Epoch(epoch::Epoch),
    /// Take something out of a store, into files
    Export(export::Export),
    /// Print the machine-readable description of the HTTP API, as JSON
    Openapi,
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(serve) => serve.run()?,
            Command::Epoch(epoch) => return epoch.run(),
            Command::Export(export) => export.run()?,
            Command::Openapi => print(&hexmile_ingest::http::openapi().to_pretty_json()?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Logs to stderr as configured, and what `unsaid` says where nothing is.
fn log(config: &Config, unsaid: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(config.log.as_deref().unwrap_or(unsaid));
    let filter = filter.map_err(|error| anyhow!("log: {error}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if config.log_json {
        log.json().init();
    } else {
        log.with_target(false).init();
    }
    Ok(())
}

/// Prints a line of output; a reader that went away is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
