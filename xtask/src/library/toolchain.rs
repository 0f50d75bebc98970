//! Compilers that can make Rust's standard library anew, small, and without what prints backtraces: the one
//! that compilers bring weighs as much as half of what is shipped.

use std::{env, path::PathBuf, process::Command};

use anyhow::Context as _;

use crate::{
    debian::{Recipe, Root},
    process::{cargo, command, output, root, say},
};

/// A release of Debian whose Rust is new enough, with the standard library's source.
const DEBIAN: Recipe = Recipe {
    what: "Rust with its library's source",
    name: "rust-forky",
    variable: "HEXMILE_RUST_ROOT",
    release: "forky",
    packages: &["rustc", "cargo", "rust-src", "lld", "gcc", "libc6-dev", "ca-certificates"],
    programs: "",
    cost: "1.9 GB, some two minutes",
};

/// To Cargo: the standard library is built, too, and for size.
const BUILD_STD: [&str; 2] =
    ["-Zbuild-std=std,panic_unwind", "-Zbuild-std-features=optimize_for_size,backtrace-trace-only"];

/// What phones do without:
/// - a panic's place in the source, in a message on stderr, which they throw away; the host's exception never had it;
/// - tables that unwind from a signal; panics come from calls;
/// - unwinding out of a destructor, which ends the process: those that do anything catch what is in them;
/// - `{:?}`, which is left empty: a lint keeps it out of what the phone's crates tell anybody.
const UNSTABLE: [&str; 4] = [
    "-Zlocation-detail=none",
    "-Zuse-sync-unwind=yes",
    "-Zpanic-in-drop=abort",
    "-Zfmt-debug=none",
];

/// How to have one, where there is none.
const HOW: &str = "rustup toolchain install nightly --component rust-src";

/// A compiler, and what it makes of the standard library.
pub(super) enum Toolchain {
    /// Rustup's nightly, with the library's source.
    Nightly,
    /// A Debian root, for this machine alone.
    Debian(Root),
    /// The one that runs this: the standard library is as it came.
    Plain,
}

impl Toolchain {
    /// The best that there is for a target.
    pub(super) fn find(target: &str, host: &str) -> anyhow::Result<Self> {
        if nightly_has_source() {
            say("building the standard library with rustup's nightly toolchain");
            return Ok(Self::Nightly);
        }
        if cfg!(target_os = "linux")
            && target == host
            && let Some(root) = Root::ready(&DEBIAN)?
        {
            say("building the standard library with a Debian root's toolchain");
            return Ok(Self::Debian(root));
        }
        say(&format!(
            "NOT building the standard library: the one that the compiler brings makes the library half \
             as large again. `{HOW}` helps"
        ));
        Ok(Self::Plain)
    }

    /// Whether the standard library is built for size, as in what is shipped.
    pub(super) const fn builds_std(&self) -> bool {
        !matches!(self, Self::Plain)
    }

    /// The compiler's release.
    pub(super) fn version(&self) -> anyhow::Result<String> {
        let told = output(&mut self.rustc(&["-V"])?)?;
        let version = told.split_whitespace().nth(1).context("rustc does not tell its version")?;
        Ok(version.to_owned())
    }

    /// Those of [`UNSTABLE`] that the compiler has: they come and go.
    fn unstable(&self) -> anyhow::Result<Vec<String>> {
        let help = output(&mut self.rustc(&["-Z", "help"])?)?;
        let (known, gone): (Vec<&str>, Vec<&str>) =
            UNSTABLE.iter().partition(|flag| is_listed(flag, &help));
        if !gone.is_empty() {
            say(&format!("this compiler does not know {}: the library is larger", gone.join(", ")));
        }
        Ok(known.into_iter().map(str::to_owned).collect())
    }

    fn rustc(&self, args: &[&str]) -> anyhow::Result<Command> {
        Ok(match self {
            Self::Plain => command("rustc", args),
            Self::Nightly => command("rustup", &[&["run", "nightly", "rustc"], args].concat()),
            Self::Debian(debian) => {
                let registry = cargo_home()?.join("registry");
                std::fs::create_dir_all(&registry)?;
                let settings = [("RUSTC_BOOTSTRAP", "1".to_owned())];
                debian.command(&root(), &registry, &[&["rustc"], args].concat(), &settings)
            }
        })
    }

    /// Cargo, flags for the compiler of every crate, and what follows the arguments.
    pub(super) fn cargo(
        &self,
        args: &[&str],
        last: &[&str],
        flags: &[String],
    ) -> anyhow::Result<Command> {
        let std: &[&str] = if self.builds_std() { &BUILD_STD } else { &[] };
        let all = [args, std, last].concat();
        let mut flags = flags.to_vec();
        if self.builds_std() {
            flags.extend(self.unstable()?);
        }
        let encoded = |flags: &[String]| flags.join("\u{1f}");
        Ok(match self {
            Self::Plain => {
                let mut cargo = cargo(&all);
                cargo.env("CARGO_ENCODED_RUSTFLAGS", encoded(&flags));
                cargo
            }
            Self::Nightly => {
                let mut cargo = command("rustup", &["run", "nightly", "cargo"]);
                // Those of the toolchain that runs this.
                for inherited in ["CARGO", "RUSTC", "RUSTDOC"] {
                    cargo.env_remove(inherited);
                }
                cargo.args(all).env("CARGO_ENCODED_RUSTFLAGS", encoded(&flags));
                cargo
            }
            Self::Debian(debian) => {
                // Debian's compiler has no linker of its own that folds identical functions.
                flags.push("-Clink-arg=-fuse-ld=lld".to_owned());
                let home = cargo_home()?;
                let registry = home.join("registry");
                std::fs::create_dir_all(&registry)?;
                let settings = [
                    ("CARGO_HOME", home.display().to_string()),
                    ("CARGO_ENCODED_RUSTFLAGS", encoded(&flags)),
                    // A released compiler takes unstable options only so.
                    ("RUSTC_BOOTSTRAP", "1".to_owned()),
                ];
                let words: Vec<&str> = std::iter::once("cargo").chain(all).collect();
                debian.command(&root(), &registry, &words, &settings)
            }
        })
    }
}

/// Whether the compiler's help lists an unstable option, given with its value.
fn is_listed(flag: &str, help: &str) -> bool {
    let name = flag.trim_start_matches("-Z").split('=').next().unwrap_or_default();
    help.split_whitespace().any(|word| word.strip_suffix("=val") == Some(name))
}

/// Whether rustup's nightly toolchain is there with the standard library's source.
fn nightly_has_source() -> bool {
    let sysroot = ["run", "nightly", "rustc", "--print", "sysroot"];
    // Where there is no such toolchain, rustup says so on stderr, which is not read.
    let Ok(told) = command("rustup", &sysroot).output() else { return false };
    let source = "lib/rustlib/src/rust/library/Cargo.lock";
    let path = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    told.status.success() && PathBuf::from(path).join(source).is_file()
}

/// Where Cargo keeps what it downloads.
fn cargo_home() -> anyhow::Result<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    cargo.context("neither CARGO_HOME nor HOME says where Cargo keeps what it downloads")
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn options_are_found_by_their_whole_name() {
        let help = "    -Z   fmt-debug=val -- how\n    -Z   location-detail=val -- what\n";
        assert!(is_listed("-Zfmt-debug=none", help) && !is_listed("-Zdebug=none", help));
    }
}
