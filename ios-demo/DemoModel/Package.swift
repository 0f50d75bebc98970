// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "DemoModel",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "DemoModel", targets: ["DemoModel"])],
    dependencies: [.package(path: "../../bindings/swift")],
    targets: [
        .target(name: "DemoModel", dependencies: [.product(name: "Hexmile", package: "swift")]),
        .testTarget(
            name: "DemoModelTests",
            dependencies: ["DemoModel", .product(name: "Hexmile", package: "swift")]),
    ])
