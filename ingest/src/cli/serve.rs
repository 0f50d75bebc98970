//! `hexmile serve`.

use std::{io::IsTerminal, path::PathBuf};

use anyhow::Context;
use clap::Args;
use hexmile_ingest::{config::Settings, environment::System, serve};
use tracing_subscriber::EnvFilter;

/// What is logged where `HEXMILE_LOG` says nothing.
const LOGGED: &str = "info,actix_server=warn";

/// Run a server
///
/// Settings come from flags, then from HEXMILE_ variables, then from the file, then from defaults.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// File of settings, TOML; its keys are the flags' names with underscores
    #[arg(long, env = "HEXMILE_CONFIG")]
    config: Option<PathBuf>,
    /// What is logged: levels (error, warn, info, debug, trace, off) for all or for modules, such as
    /// info,hexmile_ingest=debug
    #[arg(long, env = "HEXMILE_LOG", default_value = LOGGED)]
    log: EnvFilter,
    /// Log as JSON, a line an event
    #[arg(long, env = "HEXMILE_LOG_JSON")]
    log_json: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        log(self.log, self.log_json);
        let below = self.config.as_deref().map(Settings::from_file).transpose()?;
        let config = self.settings.over(below.unwrap_or_default()).check()?;
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

fn log(filter: EnvFilter, json: bool) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if json { log.json().init() } else { log.with_target(false).init() }
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
