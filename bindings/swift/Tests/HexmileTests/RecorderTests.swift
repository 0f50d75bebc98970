import Foundation
import XCTest

@testable import Hexmile

final class RecorderTests: FolderTest {
    func testNothingIsWrittenWithoutConsent() async throws {
        let recorder = try recorder()
        let refused = await failure { try recorder.startTrip() }
        XCTAssertEqual(refused, .noConsent)
        XCTAssertEqual(try recorder.record(fix(clock.now, second: 0)), .dropped(reason: "no_consent"))
        try recorder.flush()
        XCTAssertFalse(recorder.status.consent)
        try recorder.close()
        XCTAssertFalse(FileManager.default.fileExists(atPath: journal.path))
    }

    func testADriveIsSealedUploadedAndReceived() async throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        XCTAssert(recorder.status.recording)
        let recorded = try recorder.drive(clock, seconds: 400)
        XCTAssert(recorded.contains(.held) && recorded.contains(.dropped(reason: "trip_start")))
        try recorder.stopTrip()
        try recorder.flush()
        // What happens is told from asking on.
        let events = recorder.events
        let server = Taking()
        try await recorder.drain(over: server)

        let upload = try XCTUnwrap(server.uploads.first)
        XCTAssertEqual(server.uploads.count, 1)
        XCTAssertEqual(upload.path, "/v1/traces")
        XCTAssertEqual(upload.headers, ["Content-Type": "application/vnd.hexmile.trace"])
        let body = try XCTUnwrap(upload.body)
        let key = try SoftwareSigner(seed: seed(5))
        for (payload, signature) in signedTraces(body) {
            // One key has one signature of a message.
            XCTAssertEqual(try key.sign(traceTag + payload, for: .trace), signature)
        }
        let status = recorder.status
        XCTAssertEqual(status.tracesReceived, signedTraces(body).count)
        XCTAssert(status.isDelivered && status.fixesKept > 300 && status.bytesUploaded == body.count)
        try recorder.close()
        var received: [Event] = []
        for await event in events { if case .received = event { received.append(event) } }
        let at = Date(timeIntervalSince1970: 7)
        XCTAssertEqual(received, signedTraces(body).map { .received(trace: traceID($0.payload), at: at) })
        XCTAssertEqual(recorder.status, status, "where things stood")
    }

    func testARecorderThatNobodyClosedLeavesWhatItRecorded() async throws {
        try recorder().trip(clock)
        let server = Taking()
        let again = try recorder()
        try again.grantConsent()
        try await again.deliverAll(clock, over: server)
        XCTAssertFalse(signedTraces(try XCTUnwrap(server.uploads.first?.body)).isEmpty)
    }

    func testWithoutAnAnswerTracesWaitForTheirTime() async throws {
        let recorder = try recorder()
        try recorder.trip(clock)
        let next = try await recorder.drain(over: Answering { _ in throw Gone() })
        let again = try XCTUnwrap(next)
        XCTAssertGreaterThan(again, clock.now)
        XCTAssertGreaterThan(recorder.status.tracesWaiting, 0)
        clock.advance(to: again)
        try await recorder.drain(
            over: Answering { request in
                let results = signedTraces(request.body ?? Data()).map {
                    #"{"trace_id":"\#(traceID($0.payload))","status":"refused","problem":"#
                        + #"{"type":"about:blank","code":"device_unknown","temporary":false}}"#
                }
                return Answer(status: 200, body: Data(#"{"results":[\#(results.joined(separator: ","))]}"#.utf8))
            })
        // Whatever the server means by it, no trace is lost without being counted.
        let status = recorder.status
        XCTAssertGreaterThan(status.tracesWaiting + status.tracesRefused.values.reduce(0, +), 0)
    }

    func testDeliveryGoesOnUntilItIsCancelledAndACancelledUploadIsTriedAgain() async throws {
        let recorder = try recorder()
        try recorder.trip(clock)
        let (posted, told) = AsyncStream.makeStream(of: Void.self)
        let hung = Task {
            await recorder.deliver(
                over: Answering { _ in
                    told.yield()
                    try await Task.sleep(nanoseconds: 1 << 62)
                    throw Gone()
                })
        }
        for await _ in posted { break }
        // Another waits its turn, and may give up.
        let waiting = Task { try await recorder.drain(over: Taking()) }
        waiting.cancel()
        let gaveUp = await waiting.result
        XCTAssertThrowsError(try gaveUp.get()) { XCTAssert($0 is CancellationError) }
        hung.cancel()
        await hung.value
        clock.advance(3600)
        let delivery = Task { await recorder.deliver(over: Taking()) }
        for await status in recorder.statuses where status.tracesReceived > 0 && status.isDelivered { break }
        delivery.cancel()
        await delivery.value
    }

    func testADrainDuringATripSaysWhenToComeAgain() async throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        try recorder.drive(clock, seconds: 10)
        let next = try await recorder.drain(over: Taking())
        XCTAssertGreaterThan(try XCTUnwrap(next), clock.now)
        try recorder.stopTrip()
        try recorder.flush()
        let last = try await recorder.drain(over: Taking())
        XCTAssertNil(last)
    }

    func testDeliveryEndsWhenTheRecorderIsClosed() async throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        let delivery = Task { await recorder.deliver(over: Taking()) }
        let events = recorder.events
        try recorder.close()
        await delivery.value
        for await event in events { XCTFail("\(event)") }
        for await status in recorder.statuses { XCTAssert(status.consent) }
    }

    func testInAZoneAndInQuietHoursNothingIsKept() throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        let home = Place(latitudeDeg: 10, longitudeDeg: 20)
        let corners = [(9.9, 19.9), (9.9, 20.1), (10.1, 20.1), (10.1, 19.9)].map {
            Place(latitudeDeg: $0.0, longitudeDeg: $0.1)
        }
        for zone in [Zone.around(home), .circle(centre: home, radiusM: 5000), .polygon(corners)] {
            try recorder.setPrivacy(secret: seed(9), zones: [zone])
            clock.advance(1)
            XCTAssertEqual(try recorder.record(fix(clock.now, second: 0)), .dropped(reason: "zone"))
        }
        // 1,700,000,000 s is 22:13 UTC.
        let utc = try XCTUnwrap(TimeZone(secondsFromGMT: 0))
        let night = QuietHours(fromMinute: 1320, untilMinute: 300)
        try recorder.setPrivacy(secret: seed(9), quietHours: [night], timeZone: utc)
        clock.advance(1)
        XCTAssertEqual(try recorder.record(fix(clock.now, second: 0)), .dropped(reason: "quiet_hours"))
        let later = try XCTUnwrap(TimeZone(secondsFromGMT: 8 * 3600))
        try recorder.setPrivacy(secret: seed(9), quietHours: [night], timeZone: later)
        clock.advance(1)
        XCTAssertNotEqual(try recorder.record(fix(clock.now, second: 0)), .dropped(reason: "quiet_hours"))
    }

    func testArgumentsThatCannotBeUsedAreTypedErrors() async throws {
        let recorder = try recorder()
        let home = Place(latitudeDeg: 10, longitudeDeg: 20)
        let zones = { (zones: [Zone]) in try recorder.setPrivacy(secret: seed(9), zones: zones) }
        let hours = { (from: Int, until: Int) in
            try recorder.setPrivacy(
                secret: seed(9), quietHours: [QuietHours(fromMinute: from, untilMinute: until)])
        }
        let secrets = self.secrets
        var badKey = config(), badDevice = config(), badLimit = config()
        badDevice.predecessors = ["nobody"]
        badKey.serverKeys = [Data(count: 3)]
        badLimit.journalLimitBytes = -1
        let key = try SoftwareSigner(seed: seed(5))
        let bad: [() throws -> Void] = [
            { try recorder.setPrivacy(secret: Data(count: 31)) },
            { try zones([.around(Place(latitudeDeg: .nan, longitudeDeg: 0))]) },
            { try zones([.circle(centre: home, radiusM: 0)]) },
            { try zones([.circle(centre: home, radiusM: -1)]) },
            { try zones([.circle(centre: home, radiusM: .max)]) },
            { try zones([.polygon([home, home])]) },
            { try hours(65_536, 1) },
            { try hours(1440, 1) },
            { try hours(-1, 1) },
            { _ = try Recorder(badKey, device: key, secrets: secrets) },
            { _ = try Recorder(badDevice, device: key, secrets: secrets) },
            { _ = try Recorder(badLimit, device: key, secrets: secrets) },
            { _ = try SoftwareSigner(seed: Data(count: 31)) },
            { _ = try RecoveryCode("not a code") },
        ]
        for (number, call) in bad.enumerated() {
            guard case .argument = await failure(call) else { return XCTFail("\(number)") }
        }
    }

    func testTimesThatNoClockTellsAreDropped() throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        for time in [Date.distantPast, .distantFuture, Date(timeIntervalSince1970: .nan), Date(timeIntervalSince1970: 1e300)] {
            guard case .dropped = try recorder.record(fix(time, second: 0)) else { return XCTFail("\(time)") }
        }
    }

    func testADiskThatDoesNotTakeTheJournalIsATypedError() async throws {
        try Data("a file in its place".utf8).write(to: journal)
        let recorder = try recorder()
        guard case .journal = await failure({ try recorder.grantConsent() }) else { return XCTFail() }
    }

    func testAFolderBelongsToOneRecorderUntilItIsClosed() async throws {
        let first = try recorder()
        try first.grantConsent()
        let second = try recorder()
        guard case .journal = await failure({ try second.grantConsent() }) else { return XCTFail() }
        try first.close()
        try second.grantConsent()
    }

    func testAWithdrawalStopsAtOnceAndErasingLeavesTheRequestAlone() async throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        try recorder.drive(clock, seconds: 100)
        try recorder.withdrawConsent()
        XCTAssertFalse(recorder.status.recording)
        XCTAssertEqual(try recorder.record(fix(clock.now, second: 100)), .dropped(reason: "no_consent"))
        let server = Taking()
        try await recorder.drain(over: server)
        XCTAssert(server.uploads.isEmpty)

        try recorder.trip(clock)
        let events = recorder.events
        try recorder.erase(account: nil)
        XCTAssertEqual(recorder.status.erasuresWaiting, 1)
        XCTAssert(files().allSatisfy { $0.hasSuffix(".erasure") }, "\(files())")
        // Without an answer it waits; and it outlives the recorder.
        let next = try await recorder.drain(over: Answering { _ in throw Gone() })
        clock.advance(to: try XCTUnwrap(next))
        let seen = Guarded<[Request]>([])
        try await recorder.drain(
            over: Answering { request in
                seen.use { $0.append(request) }
                return Answer(status: 200, body: Data(#"{"devices":1,"traces":0,"forgotten_at_ms":3}"#.utf8))
            })
        let asked = seen.use { $0.filter { $0.method == "DELETE" } }
        XCTAssertEqual(asked.map(\.path), ["/v1/me"])
        XCTAssert(asked.allSatisfy { $0.body == nil && $0.headers["Authorization"] != nil })
        XCTAssertEqual(recorder.status.erasuresWaiting, 0)
        XCTAssertEqual(files(), [])
        try recorder.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssert(told.contains(.erased), "\(told)")
    }

    func testARecorderThatFollowsMotionSaysWhichLocationsItWants() async throws {
        var config = config()
        config.followMotion = true
        let key = try SoftwareSigner(seed: seed(5))
        let recorder = try Recorder(config, device: key, secrets: secrets, clock: { [clock] in clock.now })
        let events = recorder.events
        try recorder.grantConsent()
        XCTAssertEqual(recorder.status.motion, .parked)
        try recorder.hint(.inVehicle)
        XCTAssertNotEqual(recorder.status.motion, .parked)
        try recorder.close()
        var wanted: [LocationRequest] = []
        for await event in events { if case .locate(let request) = event { wanted.append(request) } }
        XCTAssert(wanted.contains { $0.satellites && $0.intervalS > 0 }, "\(wanted)")
    }
}
