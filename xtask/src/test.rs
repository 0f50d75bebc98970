//! `cargo xtask test`: every suite.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{bail, ensure};

use crate::{
    check, demo, explorer, kotlin, library,
    process::{self, cargo, command, has, is_ci, root, run, say, target},
    schemathesis,
    server::Server,
    swift,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only suites whose name contains one of these
    suites: Vec<String>,
}

/// A suite by its name.
struct Suite {
    name: &'static str,
    run: fn() -> anyhow::Result<Outcome>,
}

enum Outcome {
    Passed,
    /// Passed, but for a part that could not run here, and why.
    PassedBut(String),
    /// Could not run here, and why.
    PassedOver(String),
}

const NO_NODE: &str = "Node.js is not here";
const NO_BROWSER: &str = "there is no Chromium, and none can be installed; CHROMIUM may name one";

/// In this order: what is quick to fail comes first, and the page before what embeds it.
const SUITES: &[Suite] = &[
    Suite { name: "explorer", run: explorer_suite },
    Suite { name: "check", run: || check::run_all().map(|()| Outcome::Passed) },
    Suite { name: "rust", run: rust_suite },
    Suite { name: "size", run: size_suite },
    Suite { name: "schemathesis", run: schemathesis_suite },
    Suite { name: "kotlin", run: kotlin_suite },
    Suite { name: "swift", run: swift_suite },
    Suite { name: "demo", run: demo_suite },
    Suite { name: "real-drives", run: real_drives_suite },
];

pub(crate) fn run_suites(args: &Args) -> anyhow::Result<()> {
    let chosen = |name: &str| {
        args.suites.is_empty() || args.suites.iter().any(|wanted| name.contains(wanted.as_str()))
    };
    let (mut passed, mut failed, mut passed_over) = (0, Vec::new(), Vec::<String>::new());
    for suite in SUITES.iter().filter(|s| chosen(s.name)) {
        say(&format!("suite {} ...", suite.name));
        let started = Instant::now();
        let outcome = (suite.run)();
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok(Outcome::Passed) => {
                passed += 1;
                say(&format!("suite {}: passed in {seconds} s", suite.name));
            }
            Ok(Outcome::PassedBut(why) | Outcome::PassedOver(why)) if is_ci() => {
                failed.push(format!("{} (CI passes nothing over: {why})", suite.name));
            }
            Ok(Outcome::PassedBut(why)) => {
                passed += 1;
                say(&format!(
                    "suite {}: passed in {seconds} s, but PASSED OVER: {why}",
                    suite.name
                ));
                passed_over.push(format!("a part of {} ({why})", suite.name));
            }
            Ok(Outcome::PassedOver(why)) => {
                say(&format!("suite {}: PASSED OVER: {why}", suite.name));
                passed_over.push(format!("{} ({why})", suite.name));
            }
            Err(error) => {
                say(&format!("suite {}: FAILED after {seconds} s: {error:#}", suite.name));
                failed.push(suite.name.to_owned());
            }
        }
    }
    say(&format!("{passed} suites passed, {} failed", failed.len()));
    if !passed_over.is_empty() {
        say(&format!("PASSED OVER: {}", passed_over.join(", ")));
    }
    if !failed.is_empty() {
        bail!("{}", failed.join(", "));
    }
    Ok(())
}

/// The page builds, and its own tests pass in a browser, against a stand-in of the server.
fn explorer_suite() -> anyhow::Result<Outcome> {
    if !explorer::build()? {
        return Ok(Outcome::PassedOver(NO_NODE.to_owned()));
    }
    if !explorer::test(None)? {
        return Ok(Outcome::PassedOver(NO_BROWSER.to_owned()));
    }
    Ok(Outcome::Passed)
}

/// Unit tests, laws, conformance, journeys through the built server, and the documents' examples.
fn rust_suite() -> anyhow::Result<Outcome> {
    // The store's laws start a server of their own; without its programs they pass over.
    let postgres = || {
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        has("initdb") || debian.map(|v| v.path().join("bin/initdb")).any(|p| p.is_file())
    };
    let postgres = postgres() || (process::apt_installs("postgresql") && postgres());
    run(&mut cargo(&["test", "--workspace", "--no-fail-fast"]))?;
    if postgres {
        return Ok(Outcome::Passed);
    }
    let tests = postgres_tests(&root().join("ingest/tests"))?.join(", ");
    Ok(Outcome::PassedBut(format!("there are no Postgres programs, which these use: {tests}")))
}

/// Files of tests that make themselves a database.
fn postgres_tests(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(postgres_tests(&path)?);
        } else if std::fs::read_to_string(&path)?.contains("Database::new()") {
            found.push(path.strip_prefix(root())?.display().to_string());
        }
    }
    found.sort();
    Ok(found)
}

/// The library that phones load has not grown.
fn size_suite() -> anyhow::Result<Outcome> {
    Ok(library::gate()?.map_or(Outcome::Passed, |why| Outcome::PassedOver(why.to_owned())))
}

/// The server answers as its description says, whatever it is asked.
fn schemathesis_suite() -> anyhow::Result<Outcome> {
    if !has("python3") {
        return Ok(Outcome::PassedOver("Python is not here".to_owned()));
    }
    schemathesis::check(schemathesis::EXAMPLES)?;
    Ok(Outcome::Passed)
}

/// The Kotlin package against the built library, and against a running server.
fn kotlin_suite() -> anyhow::Result<Outcome> {
    if !kotlin::test()? {
        let why = "there is no JDK or Maven, and none can be installed";
        return Ok(Outcome::PassedOver(why.to_owned()));
    }
    Ok(Outcome::Passed)
}

/// The Swift package and the iOS demo against the built library, and against a running server.
fn swift_suite() -> anyhow::Result<Outcome> {
    Ok(match swift::test()? {
        swift::Tested::All => Outcome::Passed,
        swift::Tested::AllBut(why) => Outcome::PassedBut(why.to_owned()),
        swift::Tested::Nothing(why) => Outcome::PassedOver(why.to_owned()),
    })
}

/// The demo checks itself, and the page shows a real server's traffic in a real browser.
fn demo_suite() -> anyhow::Result<Outcome> {
    let args = demo::Args {
        once: true,
        listen: "127.0.0.1:0".to_owned(),
        scenario: "city".to_owned(),
        drivers: 300,
        seed: 1,
    };
    let mut outcome = Outcome::PassedBut(NO_NODE.to_owned());
    demo::run_demo(&args, false, |url| {
        if has("npm") {
            outcome = in_a_browser(url)?;
        }
        Ok(())
    })?;
    Ok(outcome)
}

/// A running server's page.
fn in_a_browser(url: &str) -> anyhow::Result<Outcome> {
    let seen = explorer::test(Some(url))?;
    Ok(if seen { Outcome::Passed } else { Outcome::PassedBut(NO_BROWSER.to_owned()) })
}

/// Real drives to a server of its own, and the page over Chicago.
fn real_drives_suite() -> anyhow::Result<Outcome> {
    let data = std::env::var_os("HEXMILE_DATA")
        .map_or_else(|| root().join("../shared/data"), PathBuf::from);
    if !data.is_dir() {
        let why = "no real drives; set HEXMILE_DATA to their folder";
        return Ok(Outcome::PassedOver(why.to_owned()));
    }
    let programs = demo::build(false)?;
    let folder = target().join(format!("real-drives-{}", std::process::id()));
    let server = Server::start(&programs.join("hexmile"), &folder, "127.0.0.1:0", &[])?;
    let replay = programs.join("hexmile-replay");
    send(&replay, &server.url, &[data.join("chicago/trips.csv")])?;
    let outcome = if has("npm") {
        in_a_browser(&server.url)?
    } else {
        Outcome::PassedBut(NO_NODE.to_owned())
    };
    let mut highway = Vec::new();
    for file in std::fs::read_dir(data.join("highway_phone_1hz"))? {
        highway.push(file?.path());
    }
    highway.sort();
    send(&replay, &server.url, &highway)?;
    server.stop()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(outcome)
}

/// Sends drives; none may be rejected, none of their fixes lost, and at most one in a hundred dropped.
fn send(replay: &Path, server: &str, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut send = command(&replay.to_string_lossy(), &["send", "--server", server]);
    send.args(files).args(["--rebase", "now", "--speedup", "600", "--trim", "off", "--json"]);
    let sent: serde_json::Value = serde_json::from_str(&process::output(&mut send)?)?;
    say(&format!("sent {sent}"));
    let rejected = sent["traces_rejected"].as_object().map_or(1, serde_json::Map::len);
    ensure!(rejected == 0, "real drives were rejected: {}", sent["traces_rejected"]);
    let number = |key: &str| sent[key].as_u64().unwrap_or(0);
    let dropped = sent["fixes_dropped"].as_object().into_iter().flatten();
    let dropped: u64 = dropped.filter_map(|(_, n)| n.as_u64()).sum();
    let read = number("fixes_read");
    ensure!(number("fixes_sent") + dropped == read, "fixes were lost");
    ensure!(dropped * 100 <= read, "{dropped} of {read} fixes were dropped");
    Ok(())
}
