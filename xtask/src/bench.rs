//! `cargo xtask bench`.

use crate::process::{cargo, run};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only rows whose name contains one of these; BENCHMARKS.md is then left as it is
    rows: Vec<String>,
}

pub(crate) fn run_bench(args: &Args) -> anyhow::Result<()> {
    run(&mut cargo(&["build", "--release", "--package", "hexmile-ingest"]))?;
    let mut bench = cargo(&["bench", "--package", "hexmile-fixtures", "--bench", "hexmile", "--"]);
    run(bench.args(&args.rows))
}
