import Foundation
import XCTest

@testable import Hexmile

/// How long what must wait is given to show that it does not, seconds.
private let moment = 0.2

/// Runs `body`, and at its middle a call on a thread of its own, which must wait until it is over.
private func meanwhile(_ call: @escaping @Sendable () -> Void, in body: (_ middle: () -> Void) throws -> Void) rethrows {
    let done = DispatchGroup()
    try body {
        DispatchQueue.global().async(group: done) { call() }
        XCTAssertEqual(done.wait(timeout: .now() + moment), .timedOut, "it did not wait")
    }
    done.wait()
}

/// What threads do at once, and what was handed out before a driver changed their mind.
final class OrderTests: FolderTest {
    /// Where it were not so, who feeds the recorder could end with no location in the middle of a drive.
    func testWhatHappensIsToldInTheOrderInWhichItHappened() async throws {
        let recorder = try recorder()
        let events = recorder.events
        try meanwhile({ try? recorder.carryOut { _ in [.sealed(trace: "second")] } }) { middle in
            try recorder.carryOut { _ in
                middle()
                return [.sealed(trace: "first")]
            }
        }
        try recorder.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssertEqual(told, [.sealed(trace: "first"), .sealed(trace: "second")])
    }

    func testAKeyThatAsksHowThingsStandIsAnswered() throws {
        let recorder = try recorder()
        let stream = HostThread.within { recorder.statuses }
        XCTAssertNotNil(stream)
        XCTAssertThrowsError(try HostThread.within { try recorder.carryOut { _ in [] } }) {
            XCTAssertEqual($0 as? HexmileError, .calledFromWithin)
        }
    }

    func testWhatWasHandedOutBeforeAWithdrawalDoesNotLeaveAfterIt() async throws {
        for ends in [{ try $0.withdrawConsent() }, { try $0.erase(account: nil) }] as [(Recorder) throws -> Void] {
            let recorder = try recorder()
            // Where no request to be erased waits; uploads begin after a look for one.
            try await recorder.drain(over: Taking())
            try recorder.trip(clock)
            // An upload is due, and nobody delivers now.
            try recorder.setConditions(Conditions(connection: .wifi))
            XCTAssertGreaterThan(recorder.status.bytesUploaded, 0)
            try ends(recorder)
            let server = Taking()
            try await recorder.drain(over: server)
            XCTAssertEqual(server.uploads, [])
            try recorder.close()
        }
    }

    func testARequestToBeErasedOutlivesAWithdrawal() async throws {
        let recorder = try recorder()
        try recorder.trip(clock)
        try recorder.erase(account: nil)
        try recorder.withdrawConsent()
        let server = Taking()
        try await recorder.drain(over: server)
        XCTAssertEqual(server.requests.map(\.method), ["DELETE"])
    }

    func testWhoClosesSecondWaitsForTheFirstToo() throws {
        let recorder = try recorder()
        try meanwhile({ XCTAssertEqual(try? recorder.open.close { _ in }, false) }) { middle in
            XCTAssert(try recorder.open.close { _ in middle() })
        }
    }

    func testTwoWhoMakeAKeyOfOneNameGetTheSame() throws {
        let (store, keys) = (MemorySecrets(), Guarded<[Data]>([]))
        let make: @Sendable (any SecretStore) throws -> Void = { store in
            let key = try store.secret(named: "device", orNewOf: 32)
            keys.use { $0.append(key) }
        }
        try meanwhile({ try? make(store) }) { middle in
            try withoutActuallyEscaping(middle) { middle in
                try make(Interrupted(store: store, beforeKeeping: Once(middle)))
            }
        }
        let made = keys.use { $0 }
        XCTAssertEqual(made.count, 2)
        XCTAssertEqual(Set(made), [store.secret(named: "device")])
    }
}

/// What is done the first time alone.
private final class Once: @unchecked Sendable {
    private var work: (() -> Void)?

    init(_ work: @escaping () -> Void) { self.work = work }

    func run() {
        work?()
        work = nil
    }
}

/// A store during whose first keeping something happens.
private struct Interrupted: SecretStore {
    let store: MemorySecrets
    let beforeKeeping: Once

    func secret(named name: String) -> Data? { store.secret(named: name) }

    func keep(_ secret: Data, named name: String) {
        beforeKeeping.run()
        store.keep(secret, named: name)
    }

    func forget(named name: String) { store.forget(named: name) }
}
