//! Kotlin, without what the interface has no use for.

use std::{fs, path::Path};

use anyhow::{Context as _, bail, ensure};
use uniffi_bindgen::bindings::TargetLanguage;

/// Where the generator writes, as `bindings/uniffi.toml` names the package.
const WRITTEN: &str = "org/hexmile/ffi/hexmile.kt";

/// UniFFI's functions for calls that suspend. The interface has none, the library does not export them
/// (`bindings/exports.map`), and JNA looks up whatever is declared.
const OF_FUTURES: &str = "external fun ffi_hexmile_rust_future_";

/// Writes `folder/org/hexmile/ffi/hexmile.kt`.
pub(crate) fn generate(library: &str, folder: &Path) -> anyhow::Result<()> {
    crate::generated(library, folder, TargetLanguage::Kotlin)?;
    let written = folder.join(WRITTEN);
    let code = fs::read_to_string(&written).context("the generator wrote no Kotlin")?;
    fs::write(written, without_futures(&code)?)?;
    Ok(())
}

/// The same without their declarations, each of which ends at the first line that closes its arguments.
fn without_futures(code: &str) -> anyhow::Result<String> {
    let mut kept = String::with_capacity(code.len());
    let mut lines = code.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with(OF_FUTURES) {
            kept.push_str(line);
        } else if !line.contains("):") && !lines.any(|line| line.trim_start().starts_with("):")) {
            bail!("a declaration without an end: {line}");
        }
    }
    ensure!(
        !kept.contains("ffi_hexmile_rust_future_"),
        "the interface has calls that suspend: export their functions in bindings/exports.map, and keep them here"
    );
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_of_futures_go_and_all_else_stays() {
        let code = "a(\n    external fun ffi_hexmile_rust_future_free_u8(`handle`: Long,\n    ): Unit\nb\n";
        assert_eq!(without_futures(code).ok().as_deref(), Some("a(\nb\n"));
        assert!(without_futures("x { lib.ffi_hexmile_rust_future_poll_u8(it) }\n").is_err());
        assert!(without_futures("external fun ffi_hexmile_rust_future_free_u8(\n").is_err());
    }
}
