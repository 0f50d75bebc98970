import Foundation
import XCTest

@testable import Hexmile

/// What a store throws.
private struct Broken: Error {}

/// A platform's store, with what tests make of it.
private final class HostStore: SecretStore {
    private let secrets = MemorySecrets()
    private let keeping: @Sendable () throws -> Void

    init(keeping: @escaping @Sendable () throws -> Void) {
        self.keeping = keeping
    }

    func secret(named name: String) -> Data? { secrets.secret(named: name) }

    func keep(_ secret: Data, named name: String) throws {
        try keeping()
        secrets.keep(secret, named: name)
    }

    func forget(named name: String) { secrets.forget(named: name) }
}

final class SecretStoreTests: FolderTest {
    func testASecretIsMadeOnceAndStays() throws {
        let store = MemorySecrets()
        let zones = try store.secret(named: "zones", orNewOf: 32)
        XCTAssertEqual(zones.count, 32)
        XCTAssertEqual(try store.secret(named: "zones", orNewOf: 32), zones)
        XCTAssertNotEqual(try store.secret(named: "key", orNewOf: 32), zones)
        store.forget(named: "zones")
        XCTAssertNotEqual(try store.secret(named: "zones", orNewOf: 32), zones)
    }

    func testAFolderKeepsSecretsForItsOwnerAloneUntilTheyAreForgotten() throws {
        let secrets = folder.appendingPathComponent("secrets")
        let store = FolderSecretStore(secrets)
        XCTAssertNil(try store.secret(named: "trip-1"))
        try store.forget(named: "trip-1")
        try store.keep(seed(1), named: "trip-1")
        try store.keep(seed(2), named: "trip-1")
        XCTAssertEqual(try FolderSecretStore(secrets).secret(named: "trip-1"), seed(2))
        let file = secrets.appendingPathComponent("trip-1").path
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        XCTAssertEqual(mode, 0o600)
        XCTAssertEqual(files(), ["trip-1"])
        try store.forget(named: "trip-1")
        XCTAssertNil(try store.secret(named: "trip-1"))
        XCTAssertEqual(files(), [])
        for name in ["", ".", "..", "../trip", "a/b", "Trip", String(repeating: "a", count: 65)] {
            XCTAssertThrowsError(try store.keep(seed(1), named: name), name)
        }
        try Data("a file in its place".utf8).write(to: folder.appendingPathComponent("file"))
        let blocked = FolderSecretStore(folder.appendingPathComponent("file"))
        XCTAssertThrowsError(try blocked.keep(seed(1), named: "trip-1"))
    }

    /// Else a new key would be made in its place, and the account that the old one opened be lost.
    func testASecretThatCannotBeReadIsNotTakenForNone() throws {
        let store = FolderSecretStore(folder)
        let file = folder.appendingPathComponent("device").path
        // What leads to itself cannot be read, whoever asks.
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: file)
        XCTAssertThrowsError(try store.secret(named: "device", orNewOf: 32))
        XCTAssertEqual(try FileManager.default.destinationOfSymbolicLink(atPath: file), file)
    }

    func testATripHasOneKeyAndNoneAfterIt() throws {
        let recorder = try recorder()
        try recorder.grantConsent()
        try recorder.startTrip()
        try recorder.drive(clock, seconds: 100)
        XCTAssertEqual(secrets.names.subtracting(["known-places"]).count, 1)
        XCTAssertNil(recorder.status.heldInMemory)
        try recorder.stopTrip()
        try recorder.flush()
        XCTAssertEqual(secrets.names.subtracting(["known-places"]), [])
    }

    func testAStoreThatIsLockedOrThrowsIsToldAndTheTripGoesOn() async throws {
        for (thrown, words) in [(SecretsLocked() as any Error, "locked"), (Broken(), "Broken")] {
            try? FileManager.default.removeItem(at: journal)
            let recorder = try recorder(secrets: HostStore(keeping: { throw thrown }))
            let events = recorder.events
            try recorder.grantConsent()
            try recorder.startTrip()
            let why = try XCTUnwrap(recorder.status.heldInMemory)
            XCTAssert(why.contains(words), why)
            XCTAssert(try recorder.drive(clock, seconds: 100).contains(.held))
            if thrown is SecretsLocked {
                // It is unlocked before long, and the places that were learned wait for it.
                try recorder.stopTrip()
            } else {
                let error = await failure { try recorder.stopTrip() }
                guard case .secrets(_, let cause?) = error else { return XCTFail("\(String(describing: error))") }
                XCTAssert(cause.underlying is Broken, "\(cause)")
            }
            XCTAssertFalse(recorder.status.recording)
            try recorder.close()
            var told: [Event] = []
            for await event in events { told.append(event) }
            XCTAssert(told.contains(.heldInMemory(why: why)), "\(told)")
        }
    }

    func testAStoreThatCallsItsRecorderGetsAnErrorInsteadOfWaitingForEver() throws {
        let called = Guarded<Recorder?>(nil)
        let errors = Guarded<[HexmileError]>([])
        let store = HostStore(keeping: {
            let recorder = called.use { $0 }
            do { try recorder?.flush() } catch let error as HexmileError { errors.use { $0.append(error) } }
        })
        let recorder = try recorder(secrets: store)
        called.use { $0 = recorder }
        try recorder.grantConsent()
        try recorder.startTrip()
        called.use { $0 = nil }
        let told = errors.use { $0 }
        XCTAssert(!told.isEmpty && told.allSatisfy { $0 == .calledFromWithin }, "\(told)")
    }

    func testATripThatTheAppLeftGoesOnUnderItsKey() async throws {
        let first = try recorder()
        try first.grantConsent()
        try first.startTrip()
        try first.drive(clock, seconds: 60)
        try first.close()
        let again = try recorder()
        let events = again.events
        try again.grantConsent()
        XCTAssert(again.status.recording)
        clock.advance(1)
        XCTAssertEqual(try again.record(fix(clock.now, second: 60)), .held)
        try again.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssert(told.contains { if case .tripResumed = $0 { return true } else { return false } }, "\(told)")
    }
}
