//! `hexmile export`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use hexmile_ingest::{
    archive,
    config::{Settings, StoreAddress},
    environment::System,
    serve,
    when::When,
};
use indicatif::{ProgressBar, ProgressStyle};

/// What to take out of a store.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All traffic tiles, live or typical, in one .pmtiles file, which a map reads from any web server
    ///
    /// What is in it is what the server would serve: only what enough drivers measured. The store is read; a
    /// server may run on it meanwhile.
    Pmtiles(Box<Pmtiles>),
}

#[derive(Debug, Args)]
struct Pmtiles {
    /// File to write; what is there is replaced when the new one is whole
    #[arg(long)]
    out: PathBuf,
    /// What is typical at this instant (2026-11-23T08:00:00Z) or time of the local week (mon-08:00), in place
    /// of what is live now
    #[arg(long, value_name = "TIME")]
    at: Option<When>,
    /// File of settings, TOML; its keys are the flags' names with underscores
    #[arg(long, env = "HEXMILE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let What::Pmtiles(pmtiles) = self.what;
        pmtiles.run()
    }
}

impl Pmtiles {
    fn run(self) -> anyhow::Result<()> {
        let below = self.config.as_deref().map(Settings::from_file).transpose()?;
        let config = self.settings.over(below.unwrap_or_default()).check()?;
        super::log(&config, "warn")?;
        if let StoreAddress::Sqlite(path) = &config.store {
            ensure!(path.is_file(), "store: there is no {}", path.display());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("cannot start the runtime")?;
        let snapshot = runtime.block_on(serve::published(&config, System::shared(), self.at))?;
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
            "{bar:30} {pos} of {len} tiles, {eta} to go",
        )?);
        let written = archive::write(&snapshot, &config, self.at, &self.out, |done, of| {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        })?;
        bar.finish_and_clear();
        super::print(&format!(
            "{}: {} tiles, {} bytes",
            self.out.display(),
            written.tiles,
            written.bytes
        ));
        Ok(())
    }
}
