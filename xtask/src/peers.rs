//! Other servers that ours is measured beside.

use std::{env, path::PathBuf};

use anyhow::{Context as _, ensure};

use crate::process::{apt_installs, cargo, has, run, say};

const MARTIN: &str = "1.14.0";

/// Where its build lasts: building it takes many times as long as measuring.
fn cache() -> anyhow::Result<PathBuf> {
    let xdg = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    Ok(xdg.or_else(home).context("HOME is not set")?.join("hexmile"))
}

/// Makes sure of `wrk`, `taskset`, Postgres and `PostGIS`, and gives the martin to measure beside.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    ensure!(has("wrk") || apt_installs("wrk"), "there is no wrk, which asks for the tiles");
    let taskset = has("taskset") || apt_installs("util-linux");
    ensure!(taskset, "there is no taskset, which gives each server a core");
    let postgres = || {
        let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let versions = debian.filter(|version| version.path().join("bin/initdb").is_file());
        versions.filter_map(|version| version.file_name().into_string().ok()).max()
    };
    if postgres().is_none() {
        apt_installs("postgresql");
    }
    let version = postgres().context("there is no Postgres of Debian's here")?;
    let extension = format!("/usr/share/postgresql/{version}/extension/postgis.control");
    let is_there = || PathBuf::from(&extension).is_file();
    let package = format!("postgresql-{version}-postgis-3");
    ensure!(is_there() || apt_installs(&package) && is_there(), "there is no {package}");
    martin()
}

/// Built from its release, with what it needs to serve a database's tables and nothing else.
fn martin() -> anyhow::Result<PathBuf> {
    let root = cache()?.join(format!("martin-{MARTIN}"));
    let binary = root.join("bin/martin");
    if !binary.is_file() {
        say(&format!("building martin {MARTIN}; it is kept in {}", root.display()));
        let (root_arg, target) = (root.to_string_lossy(), root.join("target"));
        let install = ["install", "martin", "--version", MARTIN, "--locked", "--root", &root_arg];
        let features = ["--no-default-features", "--features", "postgres"];
        let mut cargo = cargo(&install);
        run(cargo.args(features).env("CARGO_TARGET_DIR", &target))?;
        // The program is all that is used again.
        std::fs::remove_dir_all(target)?;
    }
    ensure!(binary.is_file(), "martin was not installed");
    Ok(binary)
}
