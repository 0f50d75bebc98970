//! The explorer page: built by npm, embedded by the server's build.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::ensure;

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
    let lock = fs::metadata(folder.join("package-lock.json"))?.modified()?;
    let installed = fs::metadata(folder.join("node_modules/.package-lock.json"));
    if !installed.and_then(|m| m.modified()).is_ok_and(|at| at >= lock) {
        run(&mut npm(&["ci", "--no-audit", "--no-fund"]))?;
    }
    // A page built again is a server compiled again.
    if !is_fresh(&folder) {
        run(&mut npm(&["run", "--silent", "build"]))?;
    }
    Ok(true)
}

/// Whether the built page is younger than everything that it is made of.
fn is_fresh(folder: &Path) -> bool {
    let at = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
    let Some(built) = at(&folder.join("dist/index.html")) else { return false };
    let tops = ["index.html", "package-lock.json", "tsconfig.json", "vite.config.js", "src"];
    let mut sources: Vec<PathBuf> = tops.iter().map(|name| folder.join(name)).collect();
    if let Ok(inside) = fs::read_dir(folder.join("src")) {
        sources.extend(inside.flatten().map(|entry| entry.path()));
    }
    sources.iter().all(|path| at(path).is_some_and(|changed| changed < built))
}

/// The page's tests, those of each file on their own in a browser.
const TESTS: [&str; 7] = [
    "tests/explorer.test.mjs",
    "tests/time.test.mjs",
    "tests/closures.test.mjs",
    "tests/panel.test.mjs",
    "tests/access.test.mjs",
    "tests/maplibre-page.test.mjs",
    "tests/running-server.test.mjs",
];

/// The page's own tests in a real browser; with `server`, only what looks at a running server: at its
/// page, and at its tiles from somebody else's. False where there is no browser and none can be
/// installed.
pub(crate) fn test(server: Option<&str>) -> anyhow::Result<bool> {
    let Some(chromium) = chromium()? else { return Ok(false) };
    let mut node = command("node", &["--test", "--test-concurrency=1"]);
    node.current_dir(process::root().join("ingest/explorer")).env("CHROMIUM", chromium);
    let Some(server) = server else {
        run(node.args(TESTS))?;
        return Ok(true);
    };
    node.args(["--test-name-pattern=a running server's", "--test-reporter=tap"]).args(TESTS);
    let told = process::output(node.env("HEXMILE_URL", server))?;
    // A name that nothing has would pass too.
    ensure!(
        told.contains("# pass 2\n"),
        "the page and the tiles of {server} were not looked at:\n{told}"
    );
    Ok(true)
}

/// The browser that `CHROMIUM` names, or the one that is installed, or Debian's, installed now.
fn chromium() -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = env::var_os("CHROMIUM") {
        let named = PathBuf::from(named);
        ensure!(named.is_file(), "CHROMIUM names {}, which is no file", named.display());
        return Ok(Some(named));
    }
    let installed = || ["chromium", "chromium-browser"].into_iter().find_map(process::find);
    Ok(installed().or_else(|| process::apt_installs("chromium").then(installed).flatten()))
}
