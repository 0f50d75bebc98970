//! Running programs.

use std::{
    env,
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Where cargo builds to.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A line for the person who watches.
pub(crate) fn say(text: &str) {
    // A terminal that went away is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "xtask: {text}");
}

/// A program, started in the repository's root.
pub(crate) fn command<S: AsRef<OsStr>>(program: &str, args: &[S]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// The cargo that runs this.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: &[S]) -> Command {
    command(&env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), args)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs to the end; its output is the caller's.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = shown(command);
    say(&format!("$ {shown}"));
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {shown}"))?;
    ensure!(status.success(), "{shown}: {status}");
    Ok(())
}

/// Runs to the end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = shown(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {shown}"))?;
    ensure!(output.status.success(), "{shown}: {}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{shown} printed no text"))
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Whether this is CI, where nothing may be passed over.
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|v| v == "true")
}

/// Installs Debian packages where that is possible, and says so.
pub(crate) fn apt_install(packages: &[&str]) -> anyhow::Result<()> {
    ensure!(has("apt-get"), "no apt-get here to install {} with", packages.join(" "));
    say(&format!("installing Debian packages: {}", packages.join(" ")));
    let apt = |args: &[&str]| {
        let mut apt = command("apt-get", args);
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        run(&mut apt)
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
}
