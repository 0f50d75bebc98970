//! Generates the host languages' code from the built library of `hexmile-bindings`.
//!
//! `hexmile-bindgen LIBRARY FOLDER` writes Kotlin as `bindings/uniffi.toml` says. A crate of its own,
//! so that the generator's dependencies never reach the library that phones carry.

use anyhow::Context as _;
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (library, folder) =
        args.next().zip(args.next()).context("usage: hexmile-bindgen LIBRARY FOLDER")?;
    generate(GenerateOptions {
        languages: vec![TargetLanguage::Kotlin],
        source: library.into(),
        out_dir: folder.into(),
        metadata_no_deps: true,
        ..GenerateOptions::default()
    })
}
