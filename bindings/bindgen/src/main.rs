//! Generates the host languages' code from the built library of `hexmile-bindings`.
//!
//! `hexmile-bindgen LIBRARY FOLDER [kotlin|swift]` writes Kotlin, or Swift with its C module, as
//! `bindings/uniffi.toml` says. A crate of its own, so that the generator's dependencies never reach
//! the library that phones carry.

mod kotlin;
mod swift;

use std::path::Path;

use anyhow::{Context as _, bail};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: hexmile-bindgen LIBRARY FOLDER [kotlin|swift]";
    let (library, folder) = args.next().zip(args.next()).context(usage)?;
    let (library, folder) = (library.as_str(), Path::new(&folder));
    match args.next().as_deref() {
        None | Some("kotlin") => kotlin::generate(library, folder),
        Some("swift") => swift::generate(library, folder),
        Some(_) => bail!(usage),
    }
}

/// What UniFFI's own generator writes.
fn generated(library: &str, folder: &Path, language: TargetLanguage) -> anyhow::Result<()> {
    generate(GenerateOptions {
        languages: vec![language],
        source: library.into(),
        out_dir: folder.to_str().context("a folder whose name is no text")?.into(),
        metadata_no_deps: true,
        ..GenerateOptions::default()
    })
}
