//! Swift, laid out as the package's two generated modules.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use uniffi_bindgen::bindings::TargetLanguage;

/// The C module: what the library exports.
const C_MODULE: &str = "CHexmile";
/// The Swift module over it.
const SWIFT_MODULE: &str = "HexmileFFI";

/// The generator keeps the result of its version checks to itself, and ends the process where it is
/// bad. These make it visible, so that the package gives the app an error instead.
const OPENED: [(&str, &str); 2] = [
    ("private enum InitializationResult {", "public enum InitializationResult: Sendable {"),
    ("private let initializationResult:", "public let initializationResult:"),
];

/// Writes `folder/CHexmile` and `folder/HexmileFFI`.
pub(crate) fn generate(library: &str, folder: &Path) -> anyhow::Result<()> {
    let c_module = folder.join(C_MODULE);
    let swift_module = folder.join(SWIFT_MODULE);
    fs::create_dir_all(&c_module)?;
    fs::create_dir_all(&swift_module)?;
    crate::generated(library, &c_module, TargetLanguage::Swift)?;

    // The name by which compilers find a module map.
    let map = c_module.join(format!("{C_MODULE}.modulemap"));
    fs::rename(map, c_module.join("module.modulemap"))?;

    let written = c_module.join(format!("{SWIFT_MODULE}.swift"));
    let mut code = fs::read_to_string(&written).context("the generator wrote no Swift")?;
    for (closed, open) in OPENED {
        ensure!(code.matches(closed).count() == 1, "not once in the generated Swift: {closed}");
        code = code.replacen(closed, open, 1);
    }
    fs::write(swift_module.join(format!("{SWIFT_MODULE}.swift")), code)?;
    fs::remove_file(written)?;
    Ok(())
}
