//! The running server against its own description, by schemathesis.

use std::path::Path;

use anyhow::Context as _;

use crate::{
    demo,
    process::{self, command, pip_install, root, run, target},
    server::{ADMIN_TOKEN, Server},
};

/// The release whose findings are known.
const PACKAGE: &str = "schemathesis==4.32.5";
/// Everything that it can tell without knowing what a request means. What it thinks valid may still
/// be refused: no generator signs.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      negative_data_rejection,unsupported_method,allow_header_conformance,\
                      ignored_auth";
/// Requests of each kind to each route: all of it takes about a minute.
pub(crate) const EXAMPLES: u32 = 250;

/// Fills a server of its own with a small city's traffic and an epoch, and sends it requests of
/// every kind that the description allows, and of kinds that it does not: of each kind `examples`.
pub(crate) fn check(examples: u32) -> anyhow::Result<()> {
    let tools = pip_install("schemathesis", PACKAGE)?;
    let programs = demo::build(false)?;
    let folder = target().join(format!("schemathesis-{}", std::process::id()));
    let result = serve_and_check(&tools, &programs, &folder, examples);
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn serve_and_check(
    tools: &Path,
    programs: &Path,
    folder: &Path,
    examples: u32,
) -> anyhow::Result<()> {
    let hexmile = programs.join("hexmile");
    let server = Server::start(&hexmile, folder, "127.0.0.1:0", &["--epoch-seconds", "0"])?;
    let replay = programs.join("hexmile-replay").to_string_lossy().into_owned();
    let mut drive = command(&replay, &["drive", "--server", &server.url, "--drivers", "60"]);
    drive.args(["--backfill-minutes", "15", "--minutes", "0", "--close-epoch"]);
    run(drive.env("HEXMILE_ADMIN_TOKEN", ADMIN_TOKEN))?;
    let mut check = command(
        &tools.join("schemathesis").to_string_lossy(),
        &["run", &format!("{}/openapi.json", server.url), "--checks", CHECKS, "--seed", "1"],
    );
    check.args([
        "--max-examples",
        &examples.to_string(),
        "--generation-database",
        "none",
        "--no-color",
    ]);
    check.args(["--continue-on-failure", "--warnings", "off"]);
    check.args(["--header", &format!("Authorization: Bearer {ADMIN_TOKEN}")]);
    // Its own folder takes what it leaves behind.
    check.current_dir(folder).env("SCHEMATHESIS_HOOKS", root().join("xtask/schemathesis/hooks.py"));
    check.env("HEXMILE_SERVER", &server.url).env("HEXMILE_CELLS", cells(&replay)?);
    check.env("HEXMILE_SQLITE", folder.join("hexmile.sqlite"));
    check.env("HEXMILE_SEALED", root().join("fixtures/traces/sealed.hexmile-trace"));
    run(&mut check).context("the server and its description differ")?;
    server.stop()
}

/// Cells of the simulated city, separated by spaces.
fn cells(replay: &str) -> anyhow::Result<String> {
    let mut snap = command(replay, &["snap", "--resolution", "7"]);
    let csv = process::output(snap.arg("fixtures/traces/minimal.csv"))?;
    let cells = csv.lines().skip(1).filter_map(|row| row.split(',').nth(1));
    Ok(cells.collect::<Vec<_>>().join(" "))
}
