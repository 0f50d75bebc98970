import Foundation
import HexmileExample
import XCTest

@testable import Hexmile

final class ReadmeTests: FolderTest {
    private struct Export: Decodable {
        struct Trace: Decodable {}
        let traces: [Trace]
    }

    private func text(_ file: String) throws -> String {
        try String(contentsOf: packageFolder.appendingPathComponent(file), encoding: .utf8)
    }

    func testTheReadmeShowsTheExampleThatIsCompiled() throws {
        let shown = try text("README.md").components(separatedBy: "```swift\n").dropFirst().first?
            .components(separatedBy: "```\n").first
        XCTAssertEqual(shown, try text("Example/Example.swift"))
    }

    func testTheExamplesFunctionHasAtMost20Lines() throws {
        let lines = try text("Example/Example.swift").components(separatedBy: "\n")
        let function = lines.drop { !$0.hasPrefix("public func") }.prefix { $0 != "}" }
        XCTAssertLessThanOrEqual(function.count + 1, 20)
    }

    func testTheExampleDeliversATrip() async throws {
        let server = try RunningServer()
        let policy = try await server.policy()
        let start = Date() - 400
        let trip = AsyncStream<Fix> { trip in
            for second in 0..<400 { trip.yield(fix(start + Double(second), second: second)) }
            trip.finish()
        }
        let seed = Data.secret(count: 32)
        try await contribute(
            trip, to: server.url, network: policy.networkName, folder: folder, seed: seed)
        // The server has what was driven.
        let key = try SoftwareSigner(seed: seed)
        let config = RecorderConfig(journal: journal, network: policy.networkName)
        let recorder = try Recorder(config, device: key, secrets: secrets)
        let export = try await recorder.export(over: server.transport)
        let taken = try JSONDecoder().decode(Export.self, from: export)
        XCTAssertGreaterThan(taken.traces.count, 0)
    }

    func testThePrivacyManifestSaysWhatIsCollected() throws {
        let file = packageFolder.appendingPathComponent("Sources/Hexmile/PrivacyInfo.xcprivacy")
        let plist = try PropertyListSerialization.propertyList(from: Data(contentsOf: file), format: nil)
        let manifest = try XCTUnwrap(plist as? [String: Any])
        XCTAssertEqual(manifest["NSPrivacyTracking"] as? Bool, false)
        let collected = try XCTUnwrap(manifest["NSPrivacyCollectedDataTypes"] as? [[String: Any]])
        XCTAssertEqual(
            collected.map { $0["NSPrivacyCollectedDataType"] as? String },
            ["PreciseLocation", "UserID", "DeviceID"].map { "NSPrivacyCollectedDataType" + $0 })
        for kind in collected {
            XCTAssertEqual(kind["NSPrivacyCollectedDataTypeLinked"] as? Bool, true)
            XCTAssertEqual(kind["NSPrivacyCollectedDataTypeTracking"] as? Bool, false)
            XCTAssertEqual((kind["NSPrivacyCollectedDataTypePurposes"] as? [String])?.isEmpty, false)
        }
        // The journal asks for the sizes of its files.
        let used = try XCTUnwrap(manifest["NSPrivacyAccessedAPITypes"] as? [[String: Any]])
        XCTAssertEqual(
            used.map { $0["NSPrivacyAccessedAPIType"] as? String }, ["NSPrivacyAccessedAPICategoryFileTimestamp"])
        XCTAssertEqual(used.map { $0["NSPrivacyAccessedAPITypeReasons"] as? [String] }, [["C617.1"]])
    }
}
