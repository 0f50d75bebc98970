//! `hexmile serve`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hexmile_ingest::{config::Settings, environment::System, serve};

/// What is logged where the settings say nothing.
const LOGGED: &str = "info,actix_server=warn";

/// Where the settings come from.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// File of settings, TOML; its keys are the flags' names with underscores
    #[arg(long, env = "HEXMILE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let below = self.config.as_deref().map(Settings::from_file).transpose()?;
        let config = self.settings.over(below.unwrap_or_default()).check()?;
        super::log(&config, LOGGED)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.workers)
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.block_on(async {
            let stop = shutdown()?;
            let running = serve::start(config, System::shared()).await?;
            super::print(&format!("listening on http://{}", running.address()));
            running.run_until(stop).await.context("serving ended")
        })
    }
}

/// Resolves at the first SIGINT or SIGTERM.
fn shutdown() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
