// swift-tools-version: 5.9
import Foundation
import PackageDescription

// On a Mac the library is in `CHexmile.xcframework`, which `package-xcframework.sh` makes. Without it
// the host's own library is linked, from the folder that HEXMILE_LIBRARY_DIR names.
let package = Package.hexmile(
    framework: FileManager.default.fileExists(
        atPath: Context.packageDirectory + "/CHexmile.xcframework"),
    libraries: Context.environment["HEXMILE_LIBRARY_DIR"]
        ?? Context.packageDirectory + "/../../target/debug")

extension Package {
    static func hexmile(framework: Bool, libraries: String) -> Package {
        let c: Target =
            framework
            ? .binaryTarget(name: "CHexmile", path: "CHexmile.xcframework")
            : .systemLibrary(name: "CHexmile")
        let linked: [LinkerSetting] = [
            .linkedLibrary("hexmile"),
            .unsafeFlags(["-L", libraries, "-Xlinker", "-rpath", "-Xlinker", libraries]),
        ]
        // Only a host that tests the package needs these; an app's build sees the library alone.
        let hosted: [Target] = [
            .target(name: "HexmileExample", dependencies: ["Hexmile"], path: "Example"),
            .executableTarget(name: "HexmileProbe", dependencies: ["Hexmile"], path: "Tests/Probe"),
            .executableTarget(name: "HexmileCost", dependencies: ["Hexmile"], path: "Tests/Cost"),
            .testTarget(
                name: "HexmileTests", dependencies: ["Hexmile", "HexmileExample", "HexmileProbe", "HexmileCost"]),
        ]
        return Package(
            name: "Hexmile",
            platforms: [.iOS(.v15), .macOS(.v12)],
            products: [.library(name: "Hexmile", targets: ["Hexmile"])],
            targets: [
                c,
                .target(
                    name: "HexmileFFI", dependencies: ["CHexmile"],
                    linkerSettings: framework ? [] : linked),
                .target(
                    name: "Hexmile", dependencies: ["HexmileFFI"],
                    resources: [.copy("PrivacyInfo.xcprivacy")]),
            ] + (framework ? [] : hosted),
            swiftLanguageVersions: [.v5, .version("6")])
    }
}
