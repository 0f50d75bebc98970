import Foundation
import XCTest

@testable import Hexmile

final class RadioTests: FolderTest {
    func testConditionsAndRulesAreObeyed() async throws {
        let recorder = try recorder()
        try recorder.trip(clock)
        var rules = UploadRules(mode: .economy)
        rules.wifiOnly = true
        try recorder.setUploadRules(rules)
        var conditions = Conditions(connection: .cellular)
        conditions.batteryPercent = 50
        try recorder.setConditions(conditions)
        let server = Taking()
        try await recorder.drain(over: server)
        XCTAssert(server.requests.isEmpty, "\(server.requests)")
        let status = recorder.status
        XCTAssertEqual(status.uploadsWait, "waiting_for_wifi")
        XCTAssertNil(status.uploadsWaitUntil)
        XCTAssertGreaterThan(status.bytesQueued, 0)
        conditions = Conditions(connection: .wifi)
        conditions.charging = true
        try recorder.setConditions(conditions)
        try await recorder.drain(over: server)
        XCTAssertEqual(recorder.status.tracesWaiting, 0)
        XCTAssertEqual(server.uploads.count, 1)
    }

    func testPercentagesAndBudgetsThatAreNoneAreTypedErrors() async throws {
        let recorder = try recorder()
        var conditions = Conditions(), low = UploadRules(), budget = UploadRules()
        conditions.batteryPercent = 101
        low.minBatteryPercent = -1
        budget.cellularBytesPerDay = -1
        let calls = [
            { [conditions] in try recorder.setConditions(conditions) },
            { [low] in try recorder.setUploadRules(low) },
            { [budget] in try recorder.setUploadRules(budget) },
        ]
        for (number, call) in calls.enumerated() {
            guard case .argument = await failure(call) else { return XCTFail("\(number)") }
        }
    }
}

final class BatchTests: FolderTest {
    func testFixesThatComeTogetherFareAsOneByOne() throws {
        let start = clock.now
        let batches = (0..<30).map { batch in
            (1...50).map { second -> Fix in
                var fix = fix(start + Double(batch * 50 + second), second: batch * 50 + second)
                switch second {
                case 7: (fix.accuracyM, fix.speedMps, fix.courseDeg, fix.altitudeM) = (nil, nil, nil, nil)
                case 13: fix.mock = true
                case 21: fix.latitudeDeg = .nan
                case 34: (fix.provider, fix.accuracyM) = (.network, 900)
                case 45: fix.time -= 30
                default: break
                }
                return fix
            }
        }
        func fare(_ record: (Recorder, [Fix]) throws -> Batch) throws -> ([Batch], Status) {
            try? FileManager.default.removeItem(at: journal)
            let clock = SetClock(start)
            let recorder = try Recorder(
                config(), device: SoftwareSigner(seed: seed(5)), secrets: secrets, clock: { clock.now })
            try recorder.grantConsent()
            try recorder.startTrip()
            let became = try batches.map { fixes -> Batch in
                clock.advance(50)
                return try record(recorder, fixes)
            }
            try recorder.stopTrip()
            defer { try? recorder.close() }
            return (became, recorder.status)
        }
        let together = try fare { try $0.record($1) }
        let single = try fare { recorder, fixes in
            try fixes.reduce(into: Batch()) { batch, fix in
                switch try recorder.record(fix) as Recorded {
                case .kept: batch.kept += 1
                case .held: batch.held += 1
                case .dropped: batch.dropped += 1
                }
            }
        }
        XCTAssertEqual(together.0, single.0)
        XCTAssertEqual(together.1.fixesKept, single.1.fixesKept)
        XCTAssertGreaterThan(together.1.fixesKept, 500)
        XCTAssertEqual(together.1.fixesDropped, single.1.fixesDropped)
        XCTAssertGreaterThanOrEqual(together.1.fixesDropped.count, 4, "\(together.1.fixesDropped)")
    }

    func testMoreFixesThanOneCallTakesAreAllTaken() throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        XCTAssertEqual(try recorder.record([]), Batch())
        let start = clock.now
        let batch = try recorder.record((1...2500).map { fix(start + Double($0) / 100, second: $0) })
        XCTAssertEqual(batch.kept + batch.held + batch.dropped, 2500)
    }

    func testAFixIsPackedAsTheLibraryReadsIt() {
        let bytes = packed([
            Fix(
                time: Date(timeIntervalSince1970: 1), latitudeDeg: 1, longitudeDeg: 2, speedMps: 3,
                mock: true, provider: .fused)
        ])
        XCTAssertEqual(bytes.count, 64)
        let parts = [
            "e803000000000000", "000000000000f03f", "0000000000000040", "000000000000f87f",
            "0000000000000840", "000000000000f87f", "000000000000f87f", "0102000000000000",
        ]
        XCTAssertEqual(bytes.hex, parts.joined())
    }
}
