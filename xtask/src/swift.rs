//! The Swift package: its generated code, its adapters' types, and its tests against the built library.

mod debian;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    demo,
    process::{cargo, command, has, root, run, say, target},
    server::Server,
};
use debian::Root;

/// Where the package is.
const PACKAGE: &str = "bindings/swift";
/// What the generator writes, below `Sources`.
const GENERATED: [&str; 3] =
    ["CHexmile/CHexmile.h", "CHexmile/module.modulemap", "HexmileFFI/HexmileFFI.swift"];

/// Where Swift is.
enum Swift {
    /// On this system.
    Here,
    /// In a Debian root of its own.
    In(Root),
}

/// Generates the code anew, checks the package's types, tests it against the library, and drives to a
/// server of its own. False where there is no Swift and none can be had.
pub(crate) fn test() -> anyhow::Result<bool> {
    let swift = if has("swift") {
        Swift::Here
    } else if let Some(root) = Root::ready()? {
        Swift::In(root)
    } else {
        return Ok(false);
    };
    run(&mut cargo(&["build", "-p", "hexmile-bindings"]))?;
    let target = fs::canonicalize(target())?;
    let libraries = target.join("debug");
    generated_code(&libraries, &target.join("xtask/swift"))?;
    run(&mut command("sh", &["-n", "bindings/swift/package-xcframework.sh"]))?;

    let build = target.join("swift");
    let scratch = build.display().to_string();
    let settings = [("HEXMILE_LIBRARY_DIR", libraries.display().to_string())];
    let building =
        ["swift", "build", "--build-tests", "--disable-sandbox", "--scratch-path", &scratch];
    let strict = ["-Xswiftc", "-warnings-as-errors"];
    finish(&mut swift.command(&[&building[..], &strict].concat(), &settings)?)?;
    if cfg!(target_os = "linux") {
        let (debug, out) = (build.join("debug"), target.join("xtask/swift-stubs"));
        let [debug, out] = [debug, out].map(|folder| folder.display().to_string());
        let said = finish(&mut swift.command(&["sh", "Stubs/check.sh", &debug, &out], &settings)?)?;
        said.lines().for_each(say);
    }

    let programs = demo::build(false)?;
    let folder = target.join(format!("swift-{}", std::process::id()));
    let server = Server::start(&programs.join("hexmile"), &folder, "127.0.0.1:0", &[])?;
    let testing = ["swift", "test", "--disable-sandbox", "--scratch-path", &scratch];
    let [libraries] = settings;
    let settings = [libraries, ("HEXMILE_SERVER", server.url.clone())];
    let tested = swift
        .command(&[&testing[..], &strict].concat(), &settings)
        .and_then(|mut testing| finish(&mut testing));
    server.stop()?;
    fs::remove_dir_all(&folder)?;
    let (tests, skipped) = counts(&tested?)?;
    ensure!(tests > 0 && skipped == 0, "{tests} Swift tests, of which {skipped} were skipped");
    say(&format!("Swift: {tests} passed, 0 failed"));
    Ok(true)
}

impl Swift {
    /// A command in the package's folder.
    fn command(&self, words: &[&str], settings: &[(&str, String)]) -> anyhow::Result<Command> {
        let package = root().join(PACKAGE);
        say(&format!("$ {}", words.join(" ")));
        Ok(match self {
            Self::Here => {
                let [program, args @ ..] = words else { bail!("an empty command") };
                let mut here = command(program, args);
                here.current_dir(package).envs(settings.iter().map(|(name, value)| (name, value)));
                here
            }
            Self::In(debian) => debian.command(&package, words, settings),
        })
    }
}

/// Runs to the end; what it said is shown where it fails.
fn finish(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(std::process::Stdio::null()).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if !output.status.success() {
        say(&said);
        bail!("it ended with {}", output.status);
    }
    Ok(said)
}

/// What the generator makes of the library is what is committed.
fn generated_code(libraries: &Path, out: &Path) -> anyhow::Result<()> {
    let library = library(libraries)?.display().to_string();
    let generate = ["run", "--quiet", "-p", "hexmile-bindgen", "--", &library];
    run(cargo(&generate).arg(out).arg("swift"))?;
    let sources = root().join(PACKAGE).join("Sources");
    for file in GENERATED {
        ensure!(
            fs::read(out.join(file))? == fs::read(sources.join(file)).unwrap_or_default(),
            "{PACKAGE}/Sources/{file} is not what the library says: run\n  \
             cargo run -p hexmile-bindgen -- {library} {PACKAGE}/Sources swift"
        );
    }
    say("the generated Swift is what the library says");
    Ok(())
}

/// The library as this system names it.
fn library(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("{}hexmile{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = folder.join(name);
    ensure!(library.is_file(), "there is no {}", library.display());
    Ok(library)
}

/// How many tests ran, and how many of them were skipped, by `XCTest`'s last line of all.
fn counts(said: &str) -> anyhow::Result<(u64, u64)> {
    let line = said.lines().rfind(|line| line.trim_start().starts_with("Executed "));
    let line = line.context("XCTest did not say how many tests it executed")?;
    let before = |word: &str| {
        let words = line.split(' ').collect::<Vec<_>>();
        let at = words.iter().position(|w| w.starts_with(word))?;
        words.get(at.checked_sub(1)?)?.parse().ok()
    };
    let skipped = line.split("with ").nth(1).filter(|rest| rest.contains("skipped"));
    let skipped = skipped.and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
    Ok((before("test").with_context(|| format!("no count in: {line}"))?, skipped))
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn the_last_count_of_a_run_is_the_runs() {
        let said = "\t Executed 3 tests, with 0 failures (0 unexpected) in 0.1 (0.1) seconds\n\
                    \t Executed 43 tests, with 2 tests skipped and 0 failures (0 unexpected) in 2\n\
                    done\n";
        assert_eq!(counts(said).ok(), Some((43, 2)));
        assert_eq!(counts("\t Executed 1 test, with 0 failures").ok(), Some((1, 0)));
        assert!(counts("nothing").is_err());
    }
}
