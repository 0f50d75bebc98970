//! The Kotlin packages: their generated code, and their tests against the built library.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use crate::{
    demo,
    process::{self, cargo, command, has, root, run, say, target},
    server::Server,
};

/// Where the package is.
const PACKAGE: &str = "bindings/kotlin";
/// What Maven builds: the package, its Android module and the demo app have tests; Play services' adapters
/// are compiled.
const PARENT: &str = "bindings/kotlin/parent";
/// Those that have tests.
const TESTED: [&str; 3] = [PACKAGE, "bindings/kotlin/android", "android-demo"];
/// The generated code in it.
const GENERATED: &str = "src/generated/kotlin/org/hexmile/ffi/hexmile.kt";

/// Generates the code anew, tests the package against the library, and drives to a server of its own.
/// False where there is no Java or Maven and none can be installed.
pub(crate) fn test() -> anyhow::Result<bool> {
    if !installed() {
        return Ok(false);
    }
    run(&mut cargo(&["build", "-p", "hexmile-bindings"]))?;
    let libraries = target().join("debug");
    generated_code(&libraries)?;

    let programs = demo::build(false)?;
    let folder = target().join(format!("kotlin-{}", std::process::id()));
    let server = Server::start(&programs.join("hexmile"), &folder, "127.0.0.1:0", &[])?;
    let tested = maven(&libraries, &server.url);
    server.stop()?;
    fs::remove_dir_all(&folder)?;
    tested.map(|()| true)
}

/// Whether Java and Maven are there, installed where they can be.
fn installed() -> bool {
    (has("javac") || process::apt_installs("openjdk-17-jdk-headless"))
        && (has("mvn") || process::apt_installs("maven"))
}

/// What recording a fix costs over the library in a folder, in the program's own words; `None` where there is
/// no Java or Maven and none can be installed.
pub(crate) fn cost(libraries: &Path) -> anyhow::Result<Option<String>> {
    if !installed() {
        return Ok(None);
    }
    let libraries = format!("-Dhexmile.library.path={}", libraries.display());
    let mut mvn = command("mvn", &["-B", "-q", "--no-transfer-progress", &libraries]);
    mvn.args(["test-compile", "exec:exec@cost"]).current_dir(root().join(PACKAGE));
    let told = process::output(&mut mvn)?;
    let line = told.lines().find_map(|line| line.find("record: ").map(|at| line[at..].to_owned()));
    Ok(Some(line.context("Cost.kt printed no cost")?))
}

/// What the generator makes of the library is what is committed.
fn generated_code(libraries: &Path) -> anyhow::Result<()> {
    let out = target().join("xtask/kotlin");
    let library = library(libraries)?.display().to_string();
    let generate = ["run", "--quiet", "-p", "hexmile-bindgen", "--", &library];
    run(cargo(&generate).arg(&out))?;
    let fresh = fs::read_to_string(out.join("org/hexmile/ffi/hexmile.kt"))?;
    let committed = root().join(PACKAGE).join(GENERATED);
    ensure!(
        fresh == fs::read_to_string(&committed).unwrap_or_default(),
        "{} is not what the library says: run\n  cargo run -p hexmile-bindgen -- {library} \
         {PACKAGE}/src/generated/kotlin",
        committed.display()
    );
    say("the generated Kotlin is what the library says");
    Ok(())
}

/// The library as this system names it.
fn library(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("{}hexmile{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = folder.join(name);
    ensure!(library.is_file(), "there is no {}", library.display());
    Ok(library)
}

/// The tests; how many ran is the closing line.
fn maven(libraries: &Path, server: &str) -> anyhow::Result<()> {
    let reports = TESTED.map(|module| root().join(module).join("target/surefire-reports"));
    for folder in reports.iter().filter(|folder| folder.is_dir()) {
        fs::remove_dir_all(folder)?;
    }
    let libraries = format!("-Dhexmile.library.path={}", libraries.display());
    let server = format!("-Dhexmile.server={server}");
    let mut mvn = command("mvn", &["-B", "-q", "--no-transfer-progress", &libraries, &server]);
    run(mvn.arg("test").current_dir(root().join(PARENT)))?;
    let mut passed = 0;
    for (module, folder) in TESTED.iter().zip(&reports) {
        passed += tests_of(module, folder)?;
    }
    say(&format!("Kotlin: {passed} passed, 0 failed"));
    Ok(())
}

/// How many tests of a module passed; none may have been skipped.
fn tests_of(module: &str, reports: &Path) -> anyhow::Result<u64> {
    let (mut tests, mut skipped) = (0, 0);
    for report in fs::read_dir(reports).with_context(|| format!("{module}: no reports"))? {
        let path = report?.path();
        if path.extension().is_some_and(|e| e == "xml") {
            let text = fs::read_to_string(&path)?;
            tests += count(&text, "tests")?;
            skipped += count(&text, "skipped")?;
        }
    }
    ensure!(tests > skipped, "{module}: no test ran");
    ensure!(skipped == 0, "{module}: {skipped} tests were skipped");
    say(&format!("{module}: {tests} tests"));
    Ok(tests)
}

/// A number of a Surefire report's first element.
fn count(report: &str, name: &str) -> anyhow::Result<u64> {
    let (_, suite) = report.split_once("<testsuite ").context("no <testsuite> in a report")?;
    let attribute = format!(" {name}=\"");
    let (_, rest) = suite.split_once(&attribute).context("a report without counts")?;
    let (number, _) = rest.split_once('"').context("a report without counts")?;
    Ok(number.parse()?)
}
