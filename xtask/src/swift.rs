//! The Swift package and the iOS demo app: generated code, types, and tests against the built library.

mod app;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    debian::{Recipe, Root},
    demo,
    process::{cargo, command, has, root, run, say, target},
    server::Server,
};

/// Where the package is.
const PACKAGE: &str = "bindings/swift";
/// What the generator writes, below `Sources`.
const GENERATED: [&str; 3] =
    ["CHexmile/CHexmile.h", "CHexmile/module.modulemap", "HexmileFFI/HexmileFFI.swift"];
/// The first release that has Swift.
const DEBIAN: Recipe = Recipe {
    what: "Swift",
    name: "swift-trixie",
    variable: "HEXMILE_SWIFT_ROOT",
    release: "trixie",
    packages: &[
        "swiftlang",
        "libswiftlang",
        "swiftlang-dev",
        "libc6-dev",
        "libstdc++-14-dev",
        "gcc",
        "git",
        "libcurl4-openssl-dev",
        "libxml2-dev",
    ],
    programs: "/usr/libexec/swift/bin:",
    cost: "3.4 GB, some four minutes",
};
/// To the compiler, through `SwiftPM`.
const STRICT: [&str; 2] = ["-Xswiftc", "-warnings-as-errors"];

/// What could be tested here.
pub(crate) enum Tested {
    All,
    /// All but a part; why not that.
    AllBut(&'static str),
    /// Nothing; why not.
    Nothing(&'static str),
}

/// Where Swift is.
enum Swift {
    /// On this system.
    Here,
    /// In a Debian root of its own.
    In(Root),
}

/// Generates the code anew, checks the types of the package and the app, tests both against the library,
/// and drives to a server of its own.
pub(crate) fn test() -> anyhow::Result<Tested> {
    let swift = if has("swift") {
        Swift::Here
    } else if let Some(root) = Root::ready(&DEBIAN)? {
        Swift::In(root)
    } else {
        return Ok(Tested::Nothing("there is no Swift, and no Debian root with it can be made"));
    };
    run(&mut cargo(&["build", "-p", "hexmile-bindings"]))?;
    let target = fs::canonicalize(target())?;
    let libraries = target.join("debug");
    generated_code(&libraries, &target.join("xtask/swift"))?;
    run(&mut command("sh", &["-n", "bindings/swift/package-xcframework.sh"]))?;
    let project = app::check_project()?;
    if cfg!(target_os = "linux") {
        let out = target.join("xtask/swift-stubs").display().to_string();
        for folder in [PACKAGE, app::APP] {
            let checking = ["sh", "Stubs/check.sh", &out];
            let said = finish(&mut swift.command(folder, &checking, &[])?)?;
            said.lines().for_each(say);
        }
    }

    let programs = demo::build(false)?;
    let folder = target.join(format!("swift-{}", std::process::id()));
    let server = Server::start(&programs.join("hexmile"), &folder, "127.0.0.1:0", &[])?;
    let settings = [
        ("HEXMILE_LIBRARY_DIR", libraries.display().to_string()),
        ("HEXMILE_SERVER", server.url.clone()),
    ];
    let package = swift.test(PACKAGE, &target.join("swift"), &[], &settings);
    let tested = package.and_then(|tests| {
        let models = swift.test(app::MODELS, &target.join("swift-app"), app::LINKED, &settings)?;
        Ok(tests + models)
    });
    server.stop()?;
    fs::remove_dir_all(&folder)?;
    say(&format!("Swift: {} passed, 0 failed", tested?));
    Ok(if project {
        Tested::All
    } else {
        Tested::AllBut("there is no npm to read the Xcode project with")
    })
}

impl Swift {
    /// Builds and tests the package of a folder; how many tests passed, which none may be without.
    fn test(
        &self,
        folder: &str,
        build: &Path,
        linked: &[&str],
        settings: &[(&str, String)],
    ) -> anyhow::Result<u64> {
        let build = build.display().to_string();
        let testing = ["swift", "test", "--disable-sandbox", "--scratch-path", &build];
        let words = [&testing[..], &STRICT, linked].concat();
        let (tests, skipped) = counts(&finish(&mut self.command(folder, &words, settings)?)?)?;
        ensure!(
            tests > 0 && skipped == 0,
            "{tests} tests of {folder}, of which {skipped} were skipped"
        );
        Ok(tests)
    }

    /// A command in a folder of the repository.
    fn command(
        &self,
        folder: &str,
        words: &[&str],
        settings: &[(&str, String)],
    ) -> anyhow::Result<Command> {
        let folder = root().join(folder);
        say(&format!("$ {}", words.join(" ")));
        Ok(match self {
            Self::Here => {
                let [program, args @ ..] = words else { bail!("an empty command") };
                let mut here = command(program, args);
                here.current_dir(folder).envs(settings.iter().map(|(name, value)| (name, value)));
                here
            }
            Self::In(debian) => debian.command(&folder, &target(), words, settings),
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
