//! The explorer is embedded when it has been built; a new build of it means a new binary.

fn main() {
    println!("cargo::rerun-if-changed=explorer/dist");
}
