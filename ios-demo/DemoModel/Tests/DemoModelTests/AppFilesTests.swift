import Foundation
import XCTest

/// What the app declares to the system and to the store.
final class AppFilesTests: XCTestCase {
    private static let demo = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func plist(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: Self.demo.appendingPathComponent(path))
        let plist = try PropertyListSerialization.propertyList(from: data, format: nil)
        return try XCTUnwrap(plist as? [String: Any])
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.demo.appendingPathComponent(path), encoding: .utf8)
    }

    func testTheSystemIsToldWhatRunsInTheBackgroundAndWhy() throws {
        let info = try plist("HexmileDemo/Info.plist")
        XCTAssertEqual(info["UIBackgroundModes"] as? [String], ["location", "processing", "fetch"])
        let drain = try text("../bindings/swift/Sources/Hexmile/Apple/BackgroundDrain.swift")
        for identifier in try XCTUnwrap(info["BGTaskSchedulerPermittedIdentifiers"] as? [String]) {
            XCTAssert(drain.contains("\"\(identifier)\""), identifier)
        }
        for key in [
            "NSLocationWhenInUseUsageDescription", "NSLocationAlwaysAndWhenInUseUsageDescription",
            "NSMotionUsageDescription",
        ] {
            let words = try XCTUnwrap(info[key] as? String, key)
            XCTAssertGreaterThan(words.count, 60, key)
            // Nobody is to be talked into it.
            XCTAssertFalse(words.lowercased().contains("earn"), key)
        }
        let reasons = info["NSLocationTemporaryUsageDescriptionDictionary"] as? [String: String]
        for key in try XCTUnwrap(reasons).keys {
            XCTAssert(try text("HexmileDemo/PermissionSection.swift").contains("askPrecise(for: \"\(key)\")"), key)
        }
    }

    func testThePrivacyManifestSaysThatNobodyIsTracked() throws {
        let manifest = try plist("HexmileDemo/PrivacyInfo.xcprivacy")
        XCTAssertEqual(manifest["NSPrivacyTracking"] as? Bool, false)
        XCTAssertEqual((manifest["NSPrivacyTrackingDomains"] as? [String])?.isEmpty, true)
        let used = try XCTUnwrap(manifest["NSPrivacyAccessedAPITypes"] as? [[String: Any]])
        XCTAssertEqual(
            used.map { $0["NSPrivacyAccessedAPIType"] as? String }, ["NSPrivacyAccessedAPICategoryUserDefaults"])
    }
}
