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

/// Where a program is, if it is there.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    find(program).is_some()
}

/// Whether this is CI, where nothing may be passed over.
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|v| v == "true")
}

/// Installs a Debian package, and says so; false where that cannot be done here.
pub(crate) fn apt_installs(package: &str) -> bool {
    if !has("apt-get") {
        say(&format!("no apt-get here to install {package} with"));
        return false;
    }
    say(&format!("installing the Debian package {package}"));
    let apt = |args: &[&str]| {
        let mut apt = command("apt-get", args);
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        run(&mut apt)
    };
    let install = ["install", "-y", "-qq", "--no-install-recommends", package];
    let installed = apt(&["update", "-qq"]).and_then(|()| apt(&install));
    if let Err(error) = &installed {
        say(&format!("{package} cannot be installed: {error:#}"));
    }
    installed.is_ok()
}

/// A Python package at a version, in an environment of this repository's own; its programs' folder.
pub(crate) fn pip_install(name: &str, package: &str) -> anyhow::Result<PathBuf> {
    let environment = target().join("xtask").join(name);
    let (programs, stamp) = (environment.join("bin"), environment.join("installed"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == package) {
        return Ok(programs);
    }
    say(&format!("installing {package} with pip into {}", environment.display()));
    run(&mut command("python3", &["-m", "venv", &environment.to_string_lossy()]))?;
    let pip = programs.join("pip");
    run(&mut command(&pip.to_string_lossy(), &["install", "--quiet", package]))?;
    // Written last: what was cut short is installed again, and another version too.
    std::fs::write(stamp, package)?;
    Ok(programs)
}
