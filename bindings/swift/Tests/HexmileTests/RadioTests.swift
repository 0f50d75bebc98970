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
        let first = clock.now
        var fixes = (1...1500).map { fix(first + Double($0), second: $0) }
        fixes[700].mock = true
        fixes[800].accuracyM = nil
        fixes[900].accuracyM = 5000
        fixes[1000].latitudeDeg = .nan
        fixes[1100].time = .distantPast
        fixes[1200].provider = .network
        clock.advance(1500)
        var status: [Status] = [], batches: [Batch] = []
        for isTogether in [true, false] {
            // Both of the same name, as fixes are dropped by chance, too.
            try? FileManager.default.removeItem(at: journal)
            let recorder = try recorder()
            try recorder.grantConsent()
            try recorder.startTrip()
            if isTogether {
                batches.append(try recorder.record(fixes))
                XCTAssertEqual(try recorder.record([]), Batch())
            } else {
                batches.append(
                    try fixes.reduce(into: Batch()) { batch, fix in
                        switch try recorder.record(fix) as Recorded {
                        case .kept: batch.kept += 1
                        case .held: batch.held += 1
                        case .dropped: batch.dropped += 1
                        }
                    })
            }
            status.append(recorder.status)
            try recorder.close()
        }
        XCTAssertEqual(status[0].fixesDropped, status[1].fixesDropped)
        XCTAssertGreaterThanOrEqual(status[0].fixesDropped.count, 4, "\(status[0].fixesDropped)")
        XCTAssertEqual(batches[0].kept + batches[0].held + batches[0].dropped, 1500)
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
