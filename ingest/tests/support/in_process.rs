//! The server inside this process, under a clock that a test turns.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use hexmile_ingest::{
    config::{Config, Settings},
    environment::{Environment, System},
    serve,
};
use sha2::{Digest, Sha256};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

use super::{http::Client, process::Folder};

/// A clock that goes only when told to, and randomness that can be had again.
pub(crate) struct Clock {
    now_ms: AtomicU64,
    /// Draws so far, where they are the same in every run.
    draws: Option<AtomicU64>,
}

impl Environment for Clock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(SeqCst)
    }

    fn fill_random(&self, out: &mut [u8]) {
        let Some(draws) = &self.draws else { return System.fill_random(out) };
        for chunk in out.chunks_mut(32) {
            let drawn = Sha256::digest(draws.fetch_add(1, SeqCst).to_be_bytes());
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}

/// A server with its clock.
pub(crate) struct InProcess {
    clock: Arc<Clock>,
    client: Client,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    running: JoinHandle<std::io::Result<()>>,
}

impl InProcess {
    /// Starts at a time, with these settings beside a store in `folder`.
    pub(crate) fn start(folder: &Folder, at_ms: u64, settings: Settings) -> Self {
        Self::start_with(folder, at_ms, None, settings, |_| {})
    }

    /// Starts with what is no setting changed, too.
    pub(crate) fn start_configured(
        folder: &Folder,
        at_ms: u64,
        settings: Settings,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_with(folder, at_ms, None, settings, configure)
    }

    /// Starts with the same randomness in every run; settings may name another store.
    pub(crate) fn start_repeatable(folder: &Folder, at_ms: u64, settings: Settings) -> Self {
        Self::start_with(folder, at_ms, Some(AtomicU64::new(0)), settings, |_| {})
    }

    fn start_with(
        folder: &Folder,
        at_ms: u64,
        draws: Option<AtomicU64>,
        settings: Settings,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let clock = Arc::new(Clock { now_ms: AtomicU64::new(at_ms), draws });
        let own = Settings {
            store: Some(folder.store()),
            listen: Some("127.0.0.1:0".to_owned()),
            workers: Some(1),
            ..Settings::default()
        };
        let mut config = settings.over(own).check().unwrap();
        configure(&mut config);
        let runtime = Runtime::new().unwrap();
        let started = runtime.block_on(serve::start(config, Arc::clone(&clock) as _)).unwrap();
        let client = Client::new(&format!("http://{}", started.address()));
        let (stop, stopped) = oneshot::channel();
        let running = runtime.spawn(started.run_until(async {
            let _ = stopped.await;
        }));
        Self { clock, client, runtime, stop, running }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Turns the clock on.
    pub(crate) fn advance(&self, by_ms: u64) {
        self.clock.now_ms.fetch_add(by_ms, SeqCst);
    }

    /// Sets the clock back, as operators and time servers do.
    pub(crate) fn set_back(&self, by_ms: u64) {
        self.clock.now_ms.fetch_sub(by_ms, SeqCst);
    }

    /// Stops the server in order.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        self.runtime.block_on(self.running).unwrap().unwrap();
    }
}
