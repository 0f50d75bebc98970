#!/bin/sh
# Makes CHexmile.xcframework beside this file, on a Mac with Xcode and rustup; Package.swift takes it
# from then on. Devices get one slice, simulators one for both kinds of Mac.
set -eu

package=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$package/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
out=$target/xcframework
built=$target/library
library=libhexmile.a
export IPHONEOS_DEPLOYMENT_TARGET=15.0

for tool in cargo rustup lipo xcodebuild; do
    command -v "$tool" >/dev/null || { echo "$0: $tool is needed; run this on a Mac with Xcode" >&2; exit 1; }
done

rustup target add aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios
cd "$root"
for triple in aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios; do
    cargo xtask library --static --target "$triple"
done

rm -rf "$out"
# A folder of the module's own: module maps of several frameworks meet in one folder otherwise.
mkdir -p "$out/include/CHexmile" "$out/simulator"
cp "$package/Sources/CHexmile/CHexmile.h" "$package/Sources/CHexmile/module.modulemap" "$out/include/CHexmile/"
lipo -create -output "$out/simulator/$library" \
    "$built/aarch64-apple-ios-sim/mobile/$library" "$built/x86_64-apple-ios/mobile/$library"

rm -rf "$package/CHexmile.xcframework"
xcodebuild -create-xcframework \
    -library "$built/aarch64-apple-ios/mobile/$library" -headers "$out/include" \
    -library "$out/simulator/$library" -headers "$out/include" \
    -output "$package/CHexmile.xcframework"
echo "$package/CHexmile.xcframework"
