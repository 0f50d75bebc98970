import Foundation
import XCTest

final class LibraryTests: FolderTest {
    func testTheBuiltLibraryLoads() {
        XCTAssertEqual(Probe.run().said, ["loaded", "loaded"])
    }

    #if os(Linux)
    /// A library of another version is told apart before anything of it is called.
    func testALibraryOfAnotherVersionIsATypedError() throws {
        let header = try String(contentsOf: packageFolder.appendingPathComponent("Sources/CHexmile/CHexmile.h"), encoding: .utf8)
        let checksum = try XCTUnwrap(
            header.components(separatedBy: CharacterSet(charactersIn: " (\n")).first { $0.hasPrefix("uniffi_hexmile_checksum_") })
        for (type, function) in [("unsigned", "ffi_hexmile_uniffi_contract_version"), ("unsigned short", checksum)] {
            let source = folder.appendingPathComponent("other.c")
            let library = folder.appendingPathComponent("other.so")
            try Data("\(type) \(function)(void) { return 1; }\n".utf8).write(to: source)
            let compiler = Process()
            compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            compiler.arguments = ["cc", "-shared", "-fPIC", "-o", library.path, source.path]
            try compiler.run()
            compiler.waitUntilExit()
            XCTAssertEqual(compiler.terminationStatus, 0)
            // Its functions come before the real library's.
            let probe = Probe.run(environment: ["LD_PRELOAD": library.path])
            XCTAssertEqual(probe.said, ["mismatch", "mismatch"], function)
            XCTAssertEqual(probe.signal, 0)
        }
    }
    #endif
}

/// Where `Package.swift` is.
let packageFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
