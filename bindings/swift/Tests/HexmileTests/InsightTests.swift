import Foundation
import XCTest

@testable import Hexmile

final class InsightTests: FolderTest {
    func testADriverSeesTheTripAndTakesItAlong() async throws {
        let recorder = try recorder()
        let file = folder.appendingPathComponent("drive")
        let early = await failure { try recorder.export(.gpx, to: file) }
        XCTAssertEqual(early, .noConsent)
        try recorder.grantConsent()
        XCTAssertNil(recorder.status.trip)
        try recorder.startTrip()
        let started = clock.now + 1
        try recorder.drive(clock, seconds: 400)
        try recorder.flush()
        let trip = try XCTUnwrap(recorder.status.trip)
        XCTAssert((7900...8100).contains(trip.distanceM) && trip.fixesHeld > 0, "\(trip)")
        XCTAssertEqual(trip.started, started)
        try recorder.stopTrip()

        let cells = try recorder.ownCells(resolution: 10)
        XCTAssertGreaterThan(cells.count, 50)
        // H3's mode of a cell is 1, and its resolution is in the next bits but three.
        XCTAssert(cells.allSatisfy { $0 >> 59 == 1 && $0 >> 52 & 15 == 10 })
        for resolution in [9, -1, 256] {
            guard case .argument = await failure({ _ = try recorder.ownCells(resolution: resolution) }) else {
                return XCTFail("\(resolution)")
            }
        }
        try recorder.export(.gpx, to: file)
        XCTAssert(try String(contentsOf: file, encoding: .utf8).hasSuffix("</gpx>\n"))
        try recorder.export(.json, to: file)
        XCTAssertNotNil(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let folder = self.folder
        guard case .argument = await failure({ try recorder.export(.gpx, to: folder) }) else { return XCTFail() }
        XCTAssertEqual(try recorder.verdicts(), [])
        XCTAssertNil(try recorder.earnings())
    }

    func testQuestionsAreAskedAndTheirAnswersTold() async throws {
        let recorder = try recorder()
        try recorder.trip(clock)
        try recorder.setConditions(Conditions(connection: .wifi))
        try recorder.setAccount(try SoftwareSigner(seed: seed(6)))
        let events = recorder.events
        let taking = Taking()
        let judging = Answering { request in
            if request.path.hasPrefix("/v1/traces/") {
                let evidence = #"{"reasons":["mocked"],"quality_ppm":12,"distance_m":3.9}"#
                return Answer(status: 200, body: Data(#"{"status":"rejected","evidence":\#(evidence)}"#.utf8))
            }
            if request.path.hasPrefix("/v1/accounts/") {
                let earned = #""balance":"1500000","epochs":[{"epoch":3,"score":"1","pay":"9"}]"#
                let id = request.path.split(separator: "/").last ?? ""
                return Answer(status: 200, body: Data(#"{"account_id":"\#(id)",\#(earned)}"#.utf8))
            }
            return try await taking.send(request)
        }
        for _ in 0..<50 where try recorder.earnings() == nil || recorder.verdicts().first?.accepted == nil {
            let again = try await recorder.drain(over: judging)
            clock.advance(to: again ?? clock.now + 60)
        }
        let verdict = try XCTUnwrap(try recorder.verdicts().first)
        XCTAssertEqual(verdict.accepted, false)
        XCTAssertEqual(verdict.reasons, ["mocked"])
        XCTAssertEqual([verdict.qualityPpm, verdict.distanceM], [12, 3])
        XCTAssertEqual(verdict.received, Date(timeIntervalSince1970: 7))
        let earnings = try XCTUnwrap(try recorder.earnings())
        XCTAssertEqual(earnings.balance, 1_500_000)
        XCTAssertEqual(earnings.epochs, [EpochEarnings(epoch: 3, pay: 9)])
        try recorder.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssert(told.contains(.judged(verdict)) && told.contains(.earned), "\(told)")
    }

    func testAQuestionWithoutAnAnswerIsAskedAgain() async throws {
        let recorder = try recorder()
        try recorder.trip(clock)
        // Questions are asked where they cost nothing.
        try recorder.setConditions(Conditions(connection: .wifi))
        let taking = Taking()
        let asked = Guarded<[String]>([])
        let server = Answering { request in
            if request.path.hasPrefix("/v1/traces/") {
                asked.use { $0.append(request.path) }
                throw Gone()
            }
            return try await taking.send(request)
        }
        for _ in 0..<50 where asked.use({ $0.count < 2 }) {
            let again = try await recorder.drain(over: server)
            clock.advance(to: again ?? clock.now + 60)
        }
        XCTAssertGreaterThanOrEqual(asked.use { $0.count }, 2)
    }

    func testAPlaceThatTheDriverComesBackToIsKnownAndForgotten() async throws {
        let recorder = try recorder()
        XCTAssertEqual(try recorder.knownPlaces(), [])
        try recorder.grantConsent()
        let events = recorder.events
        for _ in 0..<10 where try recorder.knownPlaces().isEmpty {
            try recorder.startTrip()
            try recorder.drive(clock, seconds: 120)
            try recorder.stopTrip()
            clock.advance(24 * 3600)
        }
        let places = try recorder.knownPlaces()
        let place = try XCTUnwrap(places.first)
        for known in places { try recorder.forgetPlace(known) }
        XCTAssertEqual(try recorder.knownPlaces(), [])
        let nowhere = await failure { try recorder.forgetPlace(Place(latitudeDeg: .nan, longitudeDeg: 0)) }
        guard case .argument = nowhere else { return XCTFail("\(String(describing: nowhere))") }
        try recorder.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssert(told.contains(.placeFound(place)), "\(told)")
    }
}
