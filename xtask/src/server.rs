//! A `hexmile serve` of one's own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail};

use crate::process::command;

/// A running server; it is stopped when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Its address.
    pub(crate) url: String,
}

/// What operators' requests carry in demos and tests, on loopback alone.
pub(crate) const ADMIN_TOKEN: &str = "loopback-demo-operator";

impl Server {
    /// Starts the built binary on a store in `folder`.
    pub(crate) fn start(
        binary: &Path,
        folder: &Path,
        listen: &str,
        settings: &[&str],
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let store = format!("sqlite:{}", folder.join("hexmile.sqlite").display());
        let mut serve = command(&binary.to_string_lossy(), &["serve", "--store", &store]);
        serve.args(["--listen", listen]).args(settings);
        serve.env("HEXMILE_ADMIN_TOKEN", ADMIN_TOKEN).stdout(Stdio::piped()).stdin(Stdio::null());
        // Ctrl-C goes to the whole group; the server is stopped in its turn instead.
        std::os::unix::process::CommandExt::process_group(&mut serve, 0);
        let mut child = serve.spawn().context("cannot start the server")?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let status = child.wait()?;
            bail!("the server did not start: {status}");
        };
        Ok(Self { child, url: url.to_owned() })
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.terminate();
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}
