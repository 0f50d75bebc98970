//! The iOS demo app: its Xcode project, and how its models are built.

use std::fs;

use crate::process::{command, has, run, say, target};

/// Where the app is.
pub(super) const APP: &str = "ios-demo";
/// Where its models are.
pub(super) const MODELS: &str = "ios-demo/DemoModel";

/// Debian's `libswiftObservation` wants a function that its own runtime keeps to itself. It is called when
/// a lock cannot be made, and never before.
pub(super) const LINKED: &[&str] =
    if cfg!(target_os = "linux") { &["-Xlinker", "--allow-shlib-undefined"] } else { &[] };

/// Reads projects as Xcode writes them.
const PARSER: &str = "@bacons/xcode@1.0.0-alpha.33";

/// Everything that the Xcode project names is there. False where there is no npm to read it with.
pub(super) fn check_project() -> anyhow::Result<bool> {
    if !(has("node") && has("npm")) {
        return Ok(false);
    }
    let modules = target().join("xtask/xcode");
    let stamp = modules.join("installed");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == PARSER) {
        say(&format!("installing {PARSER} with npm into {}", modules.display()));
        fs::create_dir_all(&modules)?;
        let mut npm = command("npm", &["install", "--silent", "--no-audit", "--no-fund", PARSER]);
        run(npm.arg("--prefix").arg(&modules))?;
        // Written last: what was cut short is installed again, and another version too.
        fs::write(stamp, PARSER)?;
    }
    run(command("node", &["ios-demo/check-project.mjs"]).arg(modules))?;
    Ok(true)
}
