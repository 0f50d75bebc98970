//! The library that phones load, as it is shipped: small.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::process::{cargo, output, root, run, say, target};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The platform to build for, by its Rust target; this machine's when absent
    #[arg(long)]
    target: Option<String>,
    /// Build the static library that goes into the framework for iOS
    #[arg(long)]
    r#static: bool,
}

/// Sizes that were shipped, newest last: `version<TAB>target<TAB>bytes<TAB>what changed`.
const HISTORY: &str = "bindings/SIZE.tsv";

/// What the library shall weigh one day.
const REACH_BYTES: u64 = 600_000;

/// Growth over the last size in the history that passes unnoticed, per cent: linkers differ a little.
const TOLERANCE_PERCENT: u64 = 1;

/// Where CPUs differ, code for all of them is linked; these keep the portable one, which a signature in five
/// minutes does not notice. Phones' CPUs have none of the others.
const PORTABLE: [&str; 5] = [
    "curve25519_dalek_backend=\"serial\"",
    "sha2_backend=\"soft\"",
    "sha2_backend_soft=\"compact\"",
    "chacha20_backend=\"soft\"",
    "poly1305_backend=\"soft\"",
];

/// Builds the library and tells where it is.
pub(crate) fn build_library(args: &Args) -> anyhow::Result<()> {
    let library = build(args)?;
    let bytes = fs::metadata(&library)?.len();
    say(&format!("{} has {bytes} bytes", library.display()));
    Ok(())
}

/// The library of this machine.
pub(crate) fn build_for_this_machine() -> anyhow::Result<PathBuf> {
    build(&Args { target: None, r#static: false })
}

/// The size of this machine's library against the last one in the history.
pub(crate) fn gate() -> anyhow::Result<()> {
    let library = build_for_this_machine()?;
    let bytes = fs::metadata(&library)?.len();
    let history = fs::read_to_string(root().join(HISTORY)).context(HISTORY)?;
    let host = host()?;
    let Some(last) = last_size(&history, &host)? else {
        say(&format!(
            "the library has {bytes} bytes; {HISTORY} has none of {host} to compare it with"
        ));
        return Ok(());
    };
    let (limit, floor) =
        (last + last * TOLERANCE_PERCENT / 100, last - last * TOLERANCE_PERCENT / 100);
    say(&format!("the library has {bytes} bytes; it had {last}, and shall have {REACH_BYTES}"));
    ensure!(
        bytes <= limit,
        "the library has grown from {last} to {bytes} bytes: make it smaller, or add a line to {HISTORY} that \
         says what is worth it"
    );
    ensure!(bytes >= floor, "the library has shrunk to {bytes} bytes: add a line to {HISTORY}");
    Ok(())
}

/// The newest size of a target.
fn last_size(history: &str, target: &str) -> anyhow::Result<Option<u64>> {
    let mut last = None;
    for (number, line) in history.lines().enumerate().skip(1) {
        let [_, of, bytes, _] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{HISTORY}:{}: not four fields", number + 1)
        };
        if of == target {
            let bytes = bytes.parse().with_context(|| format!("{HISTORY}:{}", number + 1))?;
            last = Some(bytes);
        }
    }
    Ok(last)
}

/// The Rust target of this machine.
fn host() -> anyhow::Result<String> {
    let told = output(&mut crate::process::command("rustc", &["-vV"]))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell its host")?.to_owned())
}

fn build(args: &Args) -> anyhow::Result<PathBuf> {
    let of = match &args.target {
        Some(target) => target.clone(),
        None => host()?,
    };
    let kind = if args.r#static { "staticlib" } else { "cdylib" };
    // Of one kind alone: with two, Cargo leaves link-time optimisation out.
    let build = ["rustc", "-p", "hexmile-bindings", "--profile", "mobile", "--crate-type", kind];
    let folder = target().join("library");
    let mut cargo = cargo(&build);
    cargo.args(["--target", &of, "--target-dir"]).arg(&folder);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(&of).join("\u{1f}"));
    run(&mut cargo)?;
    let library = folder.join(&of).join("mobile").join(name(&of, args.r#static));
    ensure!(library.is_file(), "there is no {}", library.display());
    Ok(library)
}

/// What the compiler and the linker are told beside the profile `mobile`.
fn flags(target: &str) -> Vec<String> {
    let cfgs = PORTABLE.iter().flat_map(|cfg| ["--cfg".to_owned(), (*cfg).to_owned()]);
    let mut flags: Vec<String> = cfgs.collect();
    let mut link = |argument: &str| flags.push(format!("-Clink-arg=-Wl,{argument}"));
    if target.contains("android") {
        // Pages of 16 KB, which phones have from Android 15 on.
        link("-z,max-page-size=16384");
        link("--pack-dyn-relocs=android+relr,--use-android-relr-tags");
        link("--icf=all");
    } else if target.contains("linux") {
        link("-z,pack-relative-relocs");
        link("--icf=all");
    }
    flags
}

/// What the platform calls the library.
fn name(target: &str, r#static: bool) -> String {
    let windows = target.contains("windows");
    match (r#static, windows, target.contains("apple")) {
        (true, false, _) => "libhexmile.a",
        (true, true, _) => "hexmile.lib",
        (false, true, _) => "hexmile.dll",
        (false, false, true) => "libhexmile.dylib",
        (false, false, false) => "libhexmile.so",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_size_of_a_target_counts() {
        let history = "version\ttarget\tbytes\twhy\n1\ta\t5\tx\n1\tb\t9\tx\n2\ta\t4\ty\n";
        assert_eq!(last_size(history, "a").ok(), Some(Some(4)));
        assert_eq!(last_size(history, "c").ok(), Some(None));
        assert!(last_size("head\n1\ta\tmany\tx\n", "a").is_err());
        assert!(last_size("head\n1\ta\n", "a").is_err());
    }

    #[test]
    fn android_gets_pages_of_16_kb_and_apple_no_flags_of_other_linkers() {
        assert!(flags("aarch64-linux-android").iter().any(|f| f.contains("max-page-size=16384")));
        assert!(!flags("aarch64-apple-ios").iter().any(|f| f.contains("-Wl,")));
        assert_eq!(name("aarch64-apple-ios", true), "libhexmile.a");
    }
}
