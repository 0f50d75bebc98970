#!/bin/sh
# Type-checks the package's sources, the adapters for Apple's frameworks among them, in the language modes
# 5 and 6, with warnings as errors: check.sh BUILD OUT, where BUILD is a build of the package.
set -eu

build=$1
out=$2
cd "$(dirname "$0")/.."
mkdir -p "$out"

# Every file at all, also where a condition hides it from this system.
for file in $(find . -name '*.swift' -not -path './.build/*'); do
    swiftc -parse "$file"
done

for module in Security CryptoKit CoreLocation CoreMotion BackgroundTasks DeviceCheck AVFAudio Network UIKit; do
    swiftc -emit-module -parse-as-library -module-name "$module" -I "$out" \
        -o "$out/$module.swiftmodule" "Stubs/$module.swift"
done
for mode in 5 6; do
    # As a whole: else one file's error hides those of others.
    check="swiftc -typecheck -wmo -parse-as-library -swift-version $mode -warnings-as-errors -I Sources/CHexmile"
    $check -module-name HexmileFFI Sources/HexmileFFI/HexmileFFI.swift
    find Sources/Hexmile -name '*.swift' -exec $check -module-name Hexmile -I "$out" -I "$build/Modules" {} +
    echo "language mode $mode: without warnings"
done
