//! `hexmile epoch`.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use hexmile_ingest::http::{EpochDetail, EpochJson};

use super::{
    client::{Address, Client},
    print,
    verify::{Published, Verified},
};

/// Exit code where an epoch was fetched and does not verify; where that cannot be told, it is 1.
const DOES_NOT_VERIFY: u8 = 3;

/// Close, show or verify epochs of a running server.
#[derive(Debug, Args)]
pub(crate) struct Epoch {
    #[command(subcommand)]
    command: Command,
    /// The server's address
    #[arg(long, global = true, env = "HEXMILE_SERVER", default_value = "http://127.0.0.1:8080")]
    server: Address,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Close the running epoch now, over everything folded so far
    Close {
        /// The operator's token, as configured at the server
        #[arg(long, env = "HEXMILE_ADMIN_TOKEN", hide_env_values = true)]
        admin_token: String,
    },
    /// Show a closed epoch
    Show {
        /// Its number
        number: u64,
    },
    /// Recompute what everybody can: scores to pay to ledger to root, and that nothing is lost.
    /// Exits with 3 where something does not hold, and with 1 where the epoch cannot be fetched
    Verify {
        /// Its number
        number: u64,
    },
}

impl Epoch {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let client = Client::new(self.server);
        match self.command {
            Command::Close { admin_token } => {
                let epoch: EpochJson = client.post("/v1/epochs", &admin_token)?;
                show(&epoch)?;
            }
            Command::Show { number } => {
                let detail: EpochDetail = client.get(&format!("/v1/epochs/{number}"))?;
                show(&detail.epoch)?;
            }
            Command::Verify { number } => {
                let published = Published::fetch(&client, number)
                    .with_context(|| format!("epoch {number} cannot be fetched"))?;
                match published.verify() {
                    Ok(verified) => print(&told(number, &verified)),
                    Err(error) => {
                        eprintln!("hexmile: epoch {number} does not verify: {error:#}");
                        return Ok(ExitCode::from(DOES_NOT_VERIFY));
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(number: u64, verified: &Verified) -> String {
    let rules = match &verified.rules {
        Some(hash) => format!("rules {hash}"),
        None => "rules not checked: the server no longer has those that were in force".to_owned(),
    };
    format!(
        "epoch {number} verifies: {} scores, {} paid + {} unallocated = {} pool, \
         {} ledger entries, root {}, {rules}",
        verified.scores,
        tokens(verified.paid),
        tokens(verified.unallocated),
        tokens(verified.pool),
        verified.entries,
        verified.root,
    )
}

/// An amount in tokens.
fn tokens(amount: u64) -> String {
    format!("{}.{:06}", amount / 1_000_000, amount % 1_000_000)
}

fn show(epoch: &EpochJson) -> anyhow::Result<()> {
    let amount = |text: &str| anyhow::Ok(tokens(text.parse().context("an amount")?));
    print(&format!(
        "epoch {}\n  log        {} to {}\n  pool       {}\n  paid       {}\n  unallocated {}\n  \
         score      {} of {}\n  rules      {}\n  root       {}",
        epoch.number,
        epoch.first_position,
        epoch.end_position,
        amount(&epoch.pool)?,
        amount(&epoch.paid)?,
        amount(&epoch.unallocated)?,
        epoch.total_score,
        epoch.target_score,
        epoch.rules_hash,
        epoch.scores_root,
    ));
    Ok(())
}
