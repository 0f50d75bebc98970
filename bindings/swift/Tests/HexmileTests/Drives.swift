import Foundation
import XCTest

@testable import Hexmile

/// A clock that tests set.
final class SetClock: Sendable {
    private let time: Guarded<Date>

    init(_ start: Date = Date(timeIntervalSince1970: 1_700_000_000)) {
        time = Guarded(start)
    }

    var now: Date { time.use { $0 } }

    func advance(_ seconds: TimeInterval) {
        time.use { $0 += seconds }
    }

    func set(_ date: Date) {
        time.use { $0 = date }
    }

    func advance(to date: Date) {
        time.use { $0 = max($0, date) }
    }
}

/// Northwards at 20 m/s, one fix a second, with the small unrest of a real receiver.
func fix(_ time: Date, second: Int, from place: Place = Place(latitudeDeg: 10, longitudeDeg: 20)) -> Fix {
    let unrest = { (a: Int, b: Int) in Double(second * a % b) }
    return Fix(
        time: time,
        latitudeDeg: place.latitudeDeg + (Double(second) * 20 + unrest(7, 5) * 0.3) / 111_195,
        longitudeDeg: place.longitudeDeg + unrest(11, 7) * 2e-6,
        accuracyM: 4, speedMps: 20 + unrest(13, 9) * 0.05, courseDeg: unrest(17, 5) * 0.2,
        altitudeM: 100 + unrest(3, 4) * 0.2, provider: .gnss)
}

extension Recorder {
    /// Drives for so many seconds of the clock; what became of each fix.
    @discardableResult
    func drive(
        _ clock: SetClock, seconds: Int, from place: Place = Place(latitudeDeg: 10, longitudeDeg: 20)
    ) throws -> [Recorded] {
        try (0..<seconds).map { second in
            clock.advance(1)
            return try record(fix(clock.now, second: second, from: place))
        }
    }

    /// Drains, at the times that the recorder asks for, until nothing waits.
    func deliverAll(_ clock: SetClock, over transport: any Transport) async throws {
        for _ in 0..<1000 {
            let again = try await drain(over: transport)
            if status.isDelivered { return }
            // What was sealed just now leaves once it is on disk.
            try flush()
            clock.advance(to: again ?? clock.now)
        }
        XCTFail("not delivered: \(status)")
    }

    /// A trip that is ready to be uploaded.
    func trip(_ clock: SetClock) throws {
        try grantConsent()
        try startTrip()
        try drive(clock, seconds: 400)
        try stopTrip()
        try flush()
    }
}

func seed(_ byte: UInt8) -> Data { Data(repeating: byte, count: 32) }

/// Secrets in memory.
final class MemorySecrets: SecretStore {
    private let secrets = Guarded<[String: Data]>([:])

    var names: Set<String> { secrets.use { Set($0.keys) } }

    func secret(named name: String) -> Data? { secrets.use { $0[name] } }
    func keep(_ secret: Data, named name: String) { secrets.use { $0[name] = secret } }
    func forget(named name: String) { secrets.use { $0[name] = nil } }
}

/// A test with a folder of its own.
class FolderTest: XCTestCase {
    private(set) var folder = URL(fileURLWithPath: "/")
    let clock = SetClock()

    override func setUpWithError() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("hexmile-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(at: folder)
    }

    var journal: URL { folder.appendingPathComponent("journal") }

    /// Outlives every recorder of the test, as a phone's store does.
    let secrets = MemorySecrets()

    func config(network: String = "test") -> RecorderConfig {
        var config = RecorderConfig(journal: journal, network: network)
        config.live = false
        return config
    }

    func recorder(
        device: (any Signer)? = nil, secrets: (any SecretStore)? = nil, network: String = "test"
    ) throws -> Recorder {
        let device = try device ?? SoftwareSigner(seed: seed(5))
        return try Recorder(
            config(network: network), device: device, secrets: secrets ?? self.secrets,
            clock: { [clock] in clock.now })
    }

    /// Files below the folder.
    func files() -> [String] {
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        return (all?.allObjects as? [URL] ?? []).filter {
            (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) ?? false
        }.map(\.lastPathComponent)
    }
}

/// Runs a call that must fail, and gives its error.
func failure(_ call: () async throws -> Void, _ line: UInt = #line) async -> HexmileError? {
    do {
        try await call()
        XCTFail("no error", line: line)
        return nil
    } catch {
        XCTAssert(error is HexmileError, "\(error)", line: line)
        return error as? HexmileError
    }
}

/// No answer.
struct Gone: Error, Equatable {}

/// A transport of a closure.
struct Answering: Transport {
    let answer: @Sendable (Request) async throws -> Answer

    func send(_ request: Request) async throws -> Answer { try await answer(request) }
}

/// A server that takes every trace, and remembers what it was sent.
final class Taking: Transport {
    private let sent = Guarded<[Request]>([])

    var requests: [Request] { sent.use { $0 } }
    var uploads: [Request] { requests.filter { $0.method == "POST" } }

    func send(_ request: Request) async throws -> Answer {
        sent.use { $0.append(request) }
        guard let body = request.body else { return Answer(status: 404, body: Data()) }
        let results = signedTraces(body).map {
            #"{"trace_id":"\#(traceID($0.payload))","status":"accepted","receipt":{"received_at_ms":7000}}"#
        }
        return Answer(status: 200, body: Data(#"{"results":[\#(results.joined(separator: ","))]}"#.utf8))
    }
}
