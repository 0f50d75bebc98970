#!/bin/sh
# Type-checks the app against declarations of Apple's frameworks, with warnings as errors: check.sh OUT,
# where OUT is what `bindings/swift/Stubs/check.sh` wrote to.
set -eu

out=$1
cd "$(dirname "$0")/.."

# Every file at all.
find . -name '*.swift' -not -path '*/.build/*' -exec swiftc -parse {} +

emit="swiftc -emit-module -wmo -parse-as-library -I ../bindings/swift/Sources/CHexmile -I $out"
for module in SwiftUI WebKit; do
    $emit -module-name "$module" -o "$out/$module.swiftmodule" "Stubs/$module.swift"
done
find DemoModel/Sources -name '*.swift' -exec \
    $emit -swift-version 6 -module-name DemoModel -o "$out/DemoModel.swiftmodule" {} +
for mode in 5 6; do
    find HexmileDemo -name '*.swift' -exec swiftc -typecheck -wmo -parse-as-library -swift-version "$mode" \
        -warnings-as-errors -module-name HexmileDemo -I ../bindings/swift/Sources/CHexmile -I "$out" {} +
    echo "the app, language mode $mode: without warnings"
done
