//! The explorer page: built by npm, embedded by the server's build.

use crate::process::{self, command, has, run, say};

/// Builds the page, or says that it is left out; true where it is built.
pub(crate) fn build() -> anyhow::Result<bool> {
    if !has("npm") {
        say("Node.js is not here: the explorer page is left out of the server");
        return Ok(false);
    }
    let folder = process::root().join("ingest/explorer");
    let npm = |args: &[&str]| {
        let mut npm = command("npm", args);
        npm.current_dir(&folder);
        npm
    };
    let lock = std::fs::metadata(folder.join("package-lock.json"))?.modified()?;
    let installed = std::fs::metadata(folder.join("node_modules/.package-lock.json"));
    if !installed.and_then(|m| m.modified()).is_ok_and(|at| at >= lock) {
        run(&mut npm(&["ci", "--no-audit", "--no-fund"]))?;
    }
    run(&mut npm(&["run", "--silent", "build"]))?;
    Ok(true)
}

/// The page's own tests in a real browser; with `server`, against that server.
pub(crate) fn test(server: Option<&str>) -> anyhow::Result<()> {
    if !has("chromium") {
        process::apt_install(&["chromium"])?;
    }
    let mut npm = command("npm", &["test", "--silent"]);
    npm.current_dir(process::root().join("ingest/explorer"));
    if let Some(server) = server {
        npm.env("HEXMILE_URL", server);
    }
    run(&mut npm)
}
