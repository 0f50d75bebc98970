//! `hexmile serve`.

use std::{io::IsTerminal, path::PathBuf};

use anyhow::Context;
use clap::Args;
use hexmile_ingest::{config::Settings, environment::System, serve};
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// What is logged where `HEXMILE_LOG` says nothing.
const LOGGED: &str = "info,actix_server=warn";

/// Where the settings come from, and what is logged.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// File of settings, TOML; its keys are the flags' names with underscores
    #[arg(long, env = "HEXMILE_CONFIG")]
    config: Option<PathBuf>,
    /// What is logged: a level (error, warn, info, debug, trace, off), or levels of modules after it,
    /// divided by commas: warn,hexmile=debug
    #[arg(long, env = "HEXMILE_LOG", default_value = LOGGED, value_parser = filter)]
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

/// Unlike the conversion that clap would choose, fails at what it cannot read.
fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(text)
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
