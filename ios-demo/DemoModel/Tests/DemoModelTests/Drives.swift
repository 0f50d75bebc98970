import Foundation
import Hexmile
import XCTest

@testable import DemoModel

/// What was waited for did not come.
struct TookTooLong: Error {
    let what: String
}

/// Asks until it holds.
@MainActor
func eventually(_ what: String, _ holds: @MainActor () async throws -> Bool) async throws {
    for _ in 0..<1200 {
        if try await holds() { return }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw TookTooLong(what: what)
}

/// A clock that tests set.
final class SetClock: @unchecked Sendable {
    private let lock = NSLock()
    private var time = Date()

    var now: Date { lock.withLock { time } }

    func advance(_ seconds: TimeInterval) {
        lock.withLock { time += seconds }
    }

    /// To the real time, however long a loaded machine took.
    func catchUp() {
        lock.withLock { time = max(time, Date()) }
    }
}

/// Secrets in memory, which the phone may lock.
final class MemorySecrets: SecretStore, @unchecked Sendable {
    private let lock = NSLock()
    private var secrets: [String: Data] = [:]
    private var locked = false
    private var hook: (@Sendable (String) -> Void)?
    private var broken: Set<String> = []

    init(_ secrets: [String: Data] = [:]) {
        self.secrets = secrets
    }

    var all: [String: Data] { lock.withLock { secrets } }
    /// Called before a secret is forgotten, with its name.
    var beforeForgetting: (@Sendable (String) -> Void)? {
        get { lock.withLock { hook } }
        set { lock.withLock { hook = newValue } }
    }
    /// Names under which nothing can be kept.
    var unkeepable: Set<String> {
        get { lock.withLock { broken } }
        set { lock.withLock { broken = newValue } }
    }
    var names: [String] { lock.withLock { secrets.keys.sorted() } }
    var isLocked: Bool {
        get { lock.withLock { locked } }
        set { lock.withLock { locked = newValue } }
    }

    func secret(named name: String) throws -> Data? { try unlocked { $0[name] } }

    func keep(_ secret: Data, named name: String) throws {
        if unkeepable.contains(name) { throw CocoaError(.fileWriteUnknown) }
        try unlocked { $0[name] = secret }
    }

    func forget(named name: String) throws {
        beforeForgetting?(name)
        try unlocked { $0[name] = nil }
    }

    private func unlocked<T>(_ body: (inout [String: Data]) throws -> T) throws -> T {
        try lock.withLock {
            if locked { throw SecretsLocked() }
            return try body(&secrets)
        }
    }
}

/// Sensors that play a drive.
@MainActor
final class PlayedSensors: Sensors {
    let fixes: AsyncStream<Fix>
    private let shown: AsyncStream<Fix>.Continuation
    private let recorder: Recorder
    private let clock: SetClock
    /// What was asked of them, in its order.
    private(set) var asked: [String] = []
    /// Called when that is asked of them.
    var onAsked: [String: @MainActor () -> Void] = [:]

    init(_ recorder: Recorder, _ clock: SetClock) {
        self.recorder = recorder
        self.clock = clock
        (fixes, shown) = AsyncStream.makeStream(of: Fix.self)
    }

    func open(automaticTrips: Bool) { ask(automaticTrips ? "open, automatic" : "open") }
    func tripBegan() { ask("trip began") }
    func tripEnded() { ask("trip ended") }
    func endDrives() { ask("drives ended") }
    func close() { ask("close") }

    private func ask(_ what: String) {
        asked.append(what)
        onAsked[what]?()
    }

    /// Northwards at 20 m/s, one fix a second of the clock, with the small unrest of a real receiver.
    func play(seconds: Int, from place: Place) throws {
        for second in 0..<seconds {
            clock.advance(1)
            let unrest = Double(second * 7 % 5) * 0.3
            let fix = Fix(
                time: clock.now,
                latitudeDeg: place.latitudeDeg + (Double(second) * 20 + unrest) / 111_195,
                longitudeDeg: place.longitudeDeg + Double(second * 11 % 7) * 2e-6, accuracyM: 4,
                speedMps: 20 + Double(second * 13 % 9) * 0.05, courseDeg: Double(second * 17 % 5) * 0.2,
                altitudeM: 100, provider: .gnss)
            try recorder.record(fix)
            shown.yield(fix)
        }
    }
}

/// No network.
struct Nowhere: Transport {
    func send(_ request: Request) async throws -> Answer { throw URLError(.notConnectedToInternet) }
}

/// A server that says who it is, and no more.
struct Greeting: Transport {
    func send(_ request: Request) async throws -> Answer {
        guard request.path == "/v1/policy" else { throw URLError(.networkConnectionLost) }
        let key = Data(repeating: 1, count: 32).base64EncodedString()
        let policy = #"{"network_name":"test","network_id":"0a0b","server_key":"\#(key)"}"#
        return Answer(status: 200, body: Data(policy.utf8))
    }
}

/// A test with a phone of its own.
@MainActor
class PhoneTest: XCTestCase {
    nonisolated let secrets = MemorySecrets()
    nonisolated let clock = SetClock()
    nonisolated let folder = FileManager.default.temporaryDirectory.appendingPathComponent("demo-\(UUID())")
    private(set) var sensors: [PlayedSensors] = []

    nonisolated override func tearDownWithError() throws {
        if FileManager.default.fileExists(atPath: folder.path) { try FileManager.default.removeItem(at: folder) }
    }

    func app(
        _ transport: any Transport = Greeting(), attest: Attest? = nil, folder: URL? = nil,
        secrets: MemorySecrets? = nil
    ) -> AppModel {
        let phone = Phone(
            folder: folder ?? self.folder, secrets: secrets ?? self.secrets,
            deviceKey: { try SoftwareSigner(seed: $0.secret(named: "device.seed", orNewOf: 32)) },
            transport: { _ in transport }, attest: attest, clock: { [clock] in clock.now })
        return AppModel(phone: phone) { [weak self, clock] recorder, _ in
            let sensors = PlayedSensors(recorder, clock)
            self?.sensors.append(sensors)
            return sensors
        }
    }

    /// An app whose driver has agreed.
    func agreed(_ transport: any Transport = Greeting()) async throws -> (AppModel, DriverModel, PlayedSensors) {
        let app = app(transport)
        await app.open()
        await app.setServer("hexmile.example")
        await app.agree()
        return (app, try XCTUnwrap(app.driver, app.problem ?? ""), try XCTUnwrap(sensors.last))
    }
}
