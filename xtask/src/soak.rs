//! `cargo xtask soak`: what the tests do in bounded form, for as long as somebody wants to wait.

use std::{ffi::OsStr, fs};

use anyhow::Context as _;

use crate::{
    process::{cargo, has, root, run, say},
    schemathesis,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often the server is killed under load, on each store
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Sessions of a phone's app, from start to crash, against a server and a network that fail
    #[arg(long, default_value_t = 100_000)]
    sessions: u32,
    /// Requests of each kind to each route that schemathesis makes up
    #[arg(long, default_value_t = 3000)]
    examples: u32,
    /// Seconds that each target is fuzzed for; 0 for not at all. Needs cargo-fuzz
    #[arg(long, default_value_t = 600)]
    fuzz: u32,
}

pub(crate) fn run_soak(args: &Args) -> anyhow::Result<()> {
    if args.kills > 0 {
        say(&format!("killing the server {} times on each store ...", args.kills));
        let test = ["test", "-p", "hexmile-ingest", "--test", "server", "kill_rounds"];
        let mut kills = cargo(&test);
        kills.args(["--", "--nocapture", "--test-threads", "1"]);
        run(kills.env("HEXMILE_KILL_ROUNDS", args.kills.to_string()))?;
    }
    if args.sessions > 0 {
        say(&format!("{} sessions of an app on a network that fails ...", args.sessions));
        let mut sessions = cargo(&["test", "-p", "hexmile-sdk-core", "--test", "sessions"]);
        sessions.args(["--", "--nocapture"]);
        run(sessions.env("HEXMILE_SESSIONS", args.sessions.to_string()))?;
    }
    if args.examples > 0 {
        say("asking the server for what its description allows, and what it does not ...");
        schemathesis::check(args.examples)?;
    }
    if args.fuzz > 0 {
        fuzz(args.fuzz)?;
    }
    say("soak: all hold");
    Ok(())
}

/// Fuzzes each target in turn, from the inputs that the tests replay; finds stay in `fuzz/artifacts`.
fn fuzz(seconds: u32) -> anyhow::Result<()> {
    if !has("cargo-fuzz") {
        say("fuzzing: PASSED OVER: cargo-fuzz is not here; `cargo install cargo-fuzz` installs it");
        return Ok(());
    }
    let folder = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut targets: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    targets.sort();
    for target in targets {
        say(&format!("fuzzing {target} for {seconds} s ..."));
        let limit = format!("-max_total_time={seconds}");
        let args = ["fuzz", "run", &target, "--sanitizer", "none", "--", &limit, "-max_len=2048"];
        run(&mut cargo(&args.map(OsStr::new)))?;
    }
    Ok(())
}
