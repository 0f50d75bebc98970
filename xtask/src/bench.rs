//! `cargo xtask bench`.

use std::{env, fs, process::Command};

use anyhow::ensure;

use crate::{
    kotlin, library, peers,
    process::{cargo, run},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only rows whose name contains one of these; BENCHMARKS.md is then left as it is
    rows: Vec<String>,
    /// Tiles beside those of martin over `PostGIS`, which are installed where they are not here; writes that section
    /// of BENCHMARKS.md alone
    #[arg(long)]
    peers: bool,
}

pub(crate) fn run_bench(args: &Args) -> anyhow::Result<()> {
    ensure!(!args.peers || args.rows.is_empty(), "--peers measures no other rows");
    run(&mut as_typed(&["build", "--release", "--package", "hexmile-ingest"]))?;
    let bench = ["bench", "--package", "hexmile-fixtures", "--bench", "hexmile", "--"];
    let mut bench = as_typed(&bench);
    if args.peers {
        bench.env("HEXMILE_MARTIN", peers::install()?).arg("--peers");
    } else if args.rows.is_empty() || args.rows.iter().any(|row| "bindings".contains(row.as_str()))
    {
        let library = library::build_for_this_machine()?;
        bench.env("HEXMILE_LIBRARY_BYTES", fs::metadata(&library)?.len().to_string());
        if let Some(cost) = library.parent().and_then(|folder| kotlin::cost(folder).transpose()) {
            bench.env("HEXMILE_KOTLIN_COST", cost?);
        }
    }
    run(bench.args(&args.rows))
}

/// Cargo as a person would start it: what the one that runs this tells of this package would make other
/// packages' build scripts run again, and the server be built twice.
fn as_typed(args: &[&str]) -> Command {
    let mut cargo = cargo(args);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|p| text.starts_with(p)) {
            cargo.env_remove(&name);
        }
    }
    cargo
}
