//! The library that phones load, as it is shipped: small.

mod toolchain;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::process::{output, root, run, say, target};
use toolchain::Toolchain;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The platform to build for, by its Rust target; this machine's when absent
    #[arg(long)]
    target: Option<String>,
    /// Build the static library that goes into the framework for iOS
    #[arg(long)]
    r#static: bool,
}

/// Sizes that were shipped, newest last: `version<TAB>target<TAB>rustc<TAB>bytes<TAB>what changed`.
const HISTORY: &str = "bindings/SIZE.tsv";

/// What the library may weigh on a phone.
const REACH_BYTES: u64 = 600_000;

/// To the compiler when it joins all crates: functions of up to so many instructions go where they are called,
/// fewer of which, or more, make the library larger.
const LINKED: &str = "-Cllvm-args=-inline-threshold=20";

/// What a library shows of itself.
const EXPORTS: &str = "bindings/exports.map";

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
    let (library, _) = build(args)?;
    let bytes = fs::metadata(&library)?.len();
    say(&format!("{} has {bytes} bytes", library.display()));
    Ok(())
}

/// The library of this machine.
pub(crate) fn build_for_this_machine() -> anyhow::Result<PathBuf> {
    Ok(build(&Args { target: None, r#static: false })?.0)
}

/// The size of this machine's library against the last one in the history; why not, where the library cannot
/// be built here as it is shipped.
pub(crate) fn gate() -> anyhow::Result<Option<&'static str>> {
    let (library, toolchain) = build(&Args { target: None, r#static: false })?;
    if !toolchain.builds_std() {
        return Ok(Some("there is no toolchain to build the standard library with"));
    }
    let bytes = fs::metadata(&library)?.len();
    let history = fs::read_to_string(root().join(HISTORY)).context(HISTORY)?;
    let host = host()?;
    ensure!(bytes <= REACH_BYTES, "the library has {bytes} bytes, and may have {REACH_BYTES}");
    let compiler = toolchain.version()?;
    let Some(last) = last_size(&history, &host, &compiler)? else {
        say(&format!(
            "the library has {bytes} bytes, and may have {REACH_BYTES}; {HISTORY} has none of {host} by rustc \
             {compiler} to compare it with"
        ));
        return Ok(None);
    };
    let (limit, floor) =
        (last + last * TOLERANCE_PERCENT / 100, last - last * TOLERANCE_PERCENT / 100);
    say(&format!("the library has {bytes} bytes; it had {last}, and may have {REACH_BYTES}"));
    ensure!(
        bytes <= limit,
        "the library has grown from {last} to {bytes} bytes: make it smaller, or add a line to {HISTORY} that \
         says what is worth it"
    );
    ensure!(bytes >= floor, "the library has shrunk to {bytes} bytes: add a line to {HISTORY}");
    Ok(None)
}

/// The newest size of a target, by a release of the compiler: another makes another size of the same code.
fn last_size(history: &str, target: &str, compiler: &str) -> anyhow::Result<Option<u64>> {
    let mut last = None;
    for (number, line) in history.lines().enumerate().skip(1) {
        let [_, of, by, bytes, _] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{HISTORY}:{}: not five fields", number + 1)
        };
        if (of, by) == (target, compiler) {
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

/// The library, and what it was built with.
fn build(args: &Args) -> anyhow::Result<(PathBuf, Toolchain)> {
    let host = host()?;
    let of = match &args.target {
        Some(target) => target.clone(),
        None => host.clone(),
    };
    let kind = if args.r#static { "staticlib" } else { "cdylib" };
    let folder = fs::canonicalize(target()).unwrap_or_else(|_| target()).join("library");
    let into = folder.display().to_string();
    // Of one kind alone: with two, Cargo leaves link-time optimisation out.
    let build = ["rustc", "-p", "hexmile-bindings", "--profile", "mobile", "--crate-type", kind];
    let build = [&build[..], &["--target", &of, "--target-dir", &into]].concat();
    let linked = ["--", LINKED];
    let toolchain = Toolchain::find(&of, &host)?;
    run(&mut toolchain.cargo(&build, &linked, &flags(&of))?)?;
    let library = folder.join(&of).join("mobile").join(name(&of, args.r#static));
    ensure!(library.is_file(), "there is no {}", library.display());
    Ok((library, toolchain))
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
    if target.contains("linux") {
        // In place of the compiler's own list, a file of this name, which has all that is not mangled.
        link(&format!("--remap-inputs=*/list={}", root().join(EXPORTS).display()));
    }
    if target.starts_with("x86_64") {
        // Tables for unwinding need no entry for each push, and shrink by a third.
        flags.push("-Cforce-frame-pointers=yes".to_owned());
        flags.push("-Cllvm-args=-no-x86-call-frame-opt".to_owned());
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
    fn the_newest_size_of_a_target_and_a_compiler_counts() {
        let history =
            "version\ttarget\trustc\tbytes\twhy\n1\ta\t7\t5\tx\n1\tb\t7\t9\tx\n2\ta\t7\t4\ty\n";
        assert_eq!(last_size(history, "a", "7").ok(), Some(Some(4)));
        assert_eq!(last_size(history, "c", "7").ok(), Some(None));
        assert_eq!(last_size(history, "a", "8").ok(), Some(None));
        assert!(last_size("head\n1\ta\t7\tmany\tx\n", "a", "7").is_err());
        assert!(last_size("head\n1\ta\n", "a", "7").is_err());
    }

    #[test]
    fn android_gets_pages_of_16_kb_and_apple_no_flags_of_other_linkers() {
        for flag in ["max-page-size=16384", EXPORTS] {
            assert!(flags("aarch64-linux-android").iter().any(|f| f.contains(flag)), "{flag}");
        }
        assert!(!flags("aarch64-apple-ios").iter().any(|f| f.contains("-Wl,")));
        assert_eq!(name("aarch64-apple-ios", true), "libhexmile.a");
    }
}
