#!/usr/bin/env bash
# Builds libhexmile.so for Android's ABIs into src/main/jniLibs, for a machine with the NDK (r28 or newer;
# ANDROID_NDK_HOME names it), cargo-ndk, and Rust's targets:
#   cargo install cargo-ndk
#   rustup target add aarch64-linux-android armv7-linux-androideabi x86_64-linux-android
set -euo pipefail
cd "$(dirname "$0")"
libraries="$PWD/src/main/jniLibs"
root="$PWD/../../.."

# Phones with pages of 16 KB load no library whose segments are aligned to less. From r28 the NDK does it
# by itself; older ones are told to.
export RUSTFLAGS="${RUSTFLAGS:-} -C link-arg=-Wl,-z,max-page-size=16384"

(cd "$root" && cargo ndk --platform 26 \
    --target arm64-v8a --target armeabi-v7a --target x86_64 \
    --output-dir "$libraries" build --release -p hexmile-bindings)

# What was asked for is what came out: each segment that is loaded is aligned to 16 KB or more.
readelf="$(find "${ANDROID_NDK_HOME:?names the NDK}/toolchains/llvm/prebuilt" -name llvm-readelf | head -n 1)"
for library in "$libraries"/*/libhexmile.so; do
    while read -r alignment; do
        ((alignment >= 16384)) || { echo "$library: a segment is aligned to $alignment" >&2; exit 1; }
    done < <("$readelf" --program-headers --wide "$library" | awk '$1 == "LOAD" { print $NF }')
done
