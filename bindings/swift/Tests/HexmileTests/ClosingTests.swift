import Foundation
import XCTest

@testable import Hexmile

/// Runs on eight threads at once; none may throw.
private func concurrently(_ work: @Sendable (Int) throws -> Void) {
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
        do {
            try work(thread)
        } catch {
            XCTFail("\(error)")
        }
    }
}

final class ClosingTests: FolderTest {
    func testAfterCloseEveryCallIsATypedErrorAndClosingAgainIsNone() async throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.close()
        try recorder.close()
        let key = try SoftwareSigner(seed: seed(1))
        let calls: [() async throws -> Void] = [
            { try recorder.grantConsent() },
            { try recorder.withdrawConsent() },
            { try recorder.erase(account: key) },
            { try recorder.setPrivacy(secret: seed(9)) },
            { try recorder.startTrip() },
            { try recorder.stopTrip() },
            { try recorder.hint(.moved) },
            { try recorder.record(fix(Date(), second: 0)) },
            { try recorder.record([fix(Date(), second: 0)]) },
            { try recorder.setConditions(Conditions()) },
            { try recorder.setUploadRules(UploadRules()) },
            { try recorder.setAccount(nil) },
            { _ = try recorder.knownPlaces() },
            { try recorder.forgetPlace(Place(latitudeDeg: 0, longitudeDeg: 0)) },
            { _ = try recorder.verdicts() },
            { _ = try recorder.earnings() },
            { _ = try recorder.ownCells(resolution: 10) },
            { try recorder.export(.gpx, to: self.folder.appendingPathComponent("gpx")) },
            { try recorder.flush() },
            { try await recorder.drain(over: Taking()) },
            { try await recorder.enrol(account: key, over: Taking()) },
            { _ = try await recorder.invite(account: key, over: Taking()) },
            { try await recorder.join(invitation: "", over: Taking()) },
            { _ = try await recorder.overview(over: Taking()) },
            { try await recorder.signOut(deviceID: "", over: Taking()) },
            { _ = try await recorder.export(over: Taking()) },
            { _ = try recorder.deviceID },
        ]
        for (number, call) in calls.enumerated() {
            let error = await failure(call)
            XCTAssertEqual(error, .closed, "call \(number)")
        }
        await recorder.deliver(over: Taking())
        XCTAssert(recorder.status.consent)
    }

    func testManyThreadsMayCallOneRecorderAndCloseItMeanwhile() throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        let clock = self.clock
        concurrently { thread in
            for n in 0..<250 {
                try recorder.record(fix(clock.now + Double(n) / 1000, second: n))
                if n % 50 == thread { try recorder.flush() }
                _ = recorder.status
            }
        }
        // What was held back is counted once the trip is over.
        try recorder.stopTrip()
        let status = recorder.status
        XCTAssertEqual(status.fixesKept + status.fixesDropped.values.reduce(0, +), 2000)

        concurrently { thread in
            if thread == 0 { return try recorder.close() }
            do {
                while true { try recorder.record(fix(clock.now, second: thread)) }
            } catch HexmileError.closed {}
        }
        // Its folder is free at once.
        XCTAssertNoThrow(try self.recorder().grantConsent())
    }

    func testClosingWaitsForTheCallsUnderWay() throws {
        let recorder = try recorder()
        let (entered, last) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let closed = DispatchGroup()
        DispatchQueue.global().async(group: closed) {
            entered.wait()
            _ = try? recorder.open.close { _ in last.signal() }
        }
        let waited = try recorder.open.call { _ in
            entered.signal()
            // The last call would come now if it did not wait for this one.
            return last.wait(timeout: .now() + 0.2)
        }
        XCTAssertEqual(waited, .timedOut)
        closed.wait()
        XCTAssertEqual(last.wait(timeout: .now()), .success)
    }

    func testADriveOutlivesAProcessThatWasKilled() async throws {
        let probe = Probe.run(["drive", journal.path])
        XCTAssertEqual(probe.said, ["driven"])
        XCTAssertEqual(probe.signal, SIGKILL)
        let recorder = try recorder(secrets: FolderSecretStore(folder.appendingPathComponent("secrets")))
        let events = recorder.events
        clock.advance(400)
        try recorder.grantConsent()
        XCTAssert(recorder.status.recording)
        // Nobody hands on its fixes: it ends by itself.
        let server = Taking()
        clock.advance(3600)
        try await recorder.deliverAll(clock, over: server)
        XCTAssertGreaterThan(recorder.status.tracesReceived, 0)
        XCTAssertGreaterThan(recorder.status.bytesUploaded, 0)
        try recorder.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssert(told.contains { if case .tripResumed = $0 { return true } else { return false } }, "\(told)")
    }
}
