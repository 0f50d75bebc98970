//! `cargo xtask demo`: the main job, from phone to map to payout.

use std::path::PathBuf;

use crate::{
    explorer,
    process::{self, cargo, command, say},
    server::{ADMIN_TOKEN, Server},
};

/// From one compaction into typical traffic to the next.
const TYPICAL_SECONDS: &str = "15";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Drive a bounded city, check what was published against the simulator's truth, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Address and port of the map
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// city, rush, night or highway
    #[arg(long, default_value = "rush")]
    pub(crate) scenario: String,
    /// Drivers whose phones record
    #[arg(long, default_value_t = 400)]
    pub(crate) drivers: u32,
    /// The same seed makes the same city
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Builds both programs; returns the folder that they are in. Unoptimised ones come with the tests,
/// whose build is there already when the suites run one after another.
pub(crate) fn build(release: bool) -> anyhow::Result<PathBuf> {
    if !release {
        process::run(&mut cargo(&["test", "--workspace", "--no-run", "--quiet"]))?;
        return Ok(process::target().join("debug"));
    }
    let packages = ["--package", "hexmile-ingest", "--package", "hexmile-fixtures"];
    process::run(cargo(&["build", "--release"]).args(packages))?;
    Ok(process::target().join("release"))
}

/// Drives the demo; `look` gets the server's address once the city has driven.
pub(crate) fn run_demo(
    args: &Args,
    release: bool,
    look: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let page = explorer::build()?;
    let programs = build(release)?;
    let folder = process::target().join(format!("demo-{}", std::process::id()));
    let result = serve_and_drive(args, &programs, &folder, page, look);
    // The demo's drivers are nobody; nothing of theirs is worth keeping.
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn serve_and_drive(
    args: &Args,
    programs: &std::path::Path,
    folder: &std::path::Path,
    page: bool,
    look: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // One epoch closes when the past is driven, so that there is something to see, then one every
    // ten minutes; what is typical is learned after some seconds, where others take a day.
    let settings =
        ["--network", "demo", "--epoch-seconds", "600", "--typical-seconds", TYPICAL_SECONDS];
    let server = Server::start(&programs.join("hexmile"), folder, &args.listen, &settings)?;
    let url = server.url.clone();
    if page {
        say(&format!("the map: {url}/  (traffic appears as the past is driven; Ctrl-C ends)"));
    } else {
        say(&format!("the tiles, for any map: {url}/v1/styles/traffic.json  (Ctrl-C ends)"));
    }
    let replay = programs.join("hexmile-replay");
    let (drivers, seed) = (args.drivers.to_string(), args.seed.to_string());
    let mut drive = command(&replay.to_string_lossy(), &["drive", "--server", &url]);
    drive.args(["--scenario", &args.scenario, "--drivers", &drivers, "--seed", &seed]);
    drive.arg("--close-epoch").env("HEXMILE_ADMIN_TOKEN", ADMIN_TOKEN);
    if args.once {
        drive.args(["--minutes", "0", "--check"]);
    }
    process::run(&mut drive)?;
    if args.once {
        let hexmile = programs.join("hexmile");
        process::run(&mut command(
            &hexmile.to_string_lossy(),
            &["epoch", "verify", "0", "--server", &url],
        ))?;
    }
    look(&url)?;
    server.stop()?;
    say("ended cleanly");
    Ok(())
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // The person's Ctrl-C ends the city, which reports; then the server is stopped.
    ctrlc::set_handler(|| {})?;
    run_demo(args, true, |_| Ok(()))
}
