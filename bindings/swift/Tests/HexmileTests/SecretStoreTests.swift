import Foundation
import XCTest

@testable import Hexmile

/// Secrets in memory.
private final class InMemory: SecretStore {
    private let secrets = Guarded<[String: Data]>([:])

    func secret(named name: String) -> Data? { secrets.use { $0[name] } }
    func keep(_ secret: Data, named name: String) { secrets.use { $0[name] = secret } }
    func forget(named name: String) { secrets.use { $0[name] = nil } }
}

final class SecretStoreTests: XCTestCase {
    func testASecretIsMadeOnceAndStays() throws {
        let store = InMemory()
        let zones = try store.secret(named: "zones", orNewOf: 32)
        XCTAssertEqual(zones.count, 32)
        XCTAssertEqual(try store.secret(named: "zones", orNewOf: 32), zones)
        XCTAssertNotEqual(try store.secret(named: "key", orNewOf: 32), zones)
        store.forget(named: "zones")
        XCTAssertNotEqual(try store.secret(named: "zones", orNewOf: 32), zones)
    }
}
