#!/bin/sh
# Type-checks the package's sources, the adapters for Apple's frameworks among them, in the language modes
# 5 and 6, with warnings as errors: check.sh OUT, where OUT is a folder for modules.
set -eu

out=$1
cd "$(dirname "$0")/.."
mkdir -p "$out/symbols"

# Every file at all, also where a condition hides it from this system.
find . -name '*.swift' -not -name main.swift -not -path './.build/*' -exec swiftc -parse {} +
for file in $(find . -name main.swift -not -path './.build/*'); do
    swiftc -parse "$file"
done

for module in Security CryptoKit CoreLocation CoreMotion BackgroundTasks DeviceCheck AVFAudio Network UIKit; do
    swiftc -emit-module -parse-as-library -module-name "$module" -I "$out" \
        -o "$out/$module.swiftmodule" "Stubs/$module.swift"
done
for mode in 5 6; do
    # As a whole: else one file's error hides those of others. The modules are the demo's, too.
    check="swiftc -emit-module -wmo -parse-as-library -swift-version $mode -warnings-as-errors -I Sources/CHexmile"
    $check -module-name HexmileFFI -o "$out/HexmileFFI.swiftmodule" Sources/HexmileFFI/HexmileFFI.swift
    find Sources/Hexmile -name '*.swift' -exec \
        $check -module-name Hexmile -o "$out/Hexmile.swiftmodule" -I "$out" \
        -emit-symbol-graph -emit-symbol-graph-dir "$out/symbols" {} +
    echo "language mode $mode: without warnings"
done

# The documentation, with the adapters in it: every symbol and page that it names is there.
if command -v docc >/dev/null; then
    rm -rf "$out/symbols/HexmileFFI"* "$out/Hexmile.doccarchive"
    docc convert Sources/Hexmile/Hexmile.docc --additional-symbol-graph-dir "$out/symbols" \
        --fallback-bundle-identifier org.hexmile --warnings-as-errors --output-dir "$out/Hexmile.doccarchive"
    echo "documentation: without warnings"
fi
