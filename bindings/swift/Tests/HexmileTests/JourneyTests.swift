import Foundation
import XCTest

@testable import Hexmile

/// What was waited for did not come.
struct TookTooLong: Error {
    let what: String
}

/// The running server that HEXMILE_SERVER names.
struct RunningServer {
    struct Policy: Decodable {
        let networkName: String
        let serverKey: Data
    }

    let url: URL
    let transport: URLSessionTransport

    /// - Throws: `XCTSkip` where none is named.
    init() throws {
        let named = ProcessInfo.processInfo.environment["HEXMILE_SERVER"].flatMap(URL.init(string:))
        guard let named, named.scheme != nil else { throw XCTSkip("HEXMILE_SERVER names no server") }
        url = named
        transport = URLSessionTransport(server: named)
    }

    func get(_ path: String) async throws -> Answer {
        try await transport.send(Request(method: "GET", path: path))
    }

    func json<T: Decodable>(_ path: String) async throws -> T {
        let answer = try await get(path)
        XCTAssertEqual(answer.status, 200, path)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dataDecodingStrategy = .base64
        return try decoder.decode(T.self, from: answer.body)
    }

    func policy() async throws -> Policy { try await json("/v1/policy") }

    /// Asks until there is an answer.
    func eventually<T>(_ what: String, _ ask: () async throws -> T?) async throws -> T {
        for _ in 0..<600 {
            if let answer = try await ask() { return answer }
            try await Task.sleep(nanoseconds: 100_000_000)
        }
        throw TookTooLong(what: what)
    }
}

/// A driver with a phone.
private struct Driver {
    let account: SoftwareSigner
    let device: SoftwareSigner
    let config: RecorderConfig
    let secrets = MemorySecrets()
    /// The phone's clock, set back so that the drive ended some minutes ago.
    let clock: SetClock

    init(folder: URL, policy: RunningServer.Policy, startedAgo: TimeInterval) throws {
        account = try RecoveryCode().accountSigner
        device = try SoftwareSigner(seed: .secret(count: 32))
        var config = RecorderConfig(
            journal: folder.appendingPathComponent("\(UUID())"), network: policy.networkName)
        config.serverKeys = [policy.serverKey]
        self.config = config
        clock = SetClock(Date() - startedAgo)
    }

    func open() throws -> Recorder {
        try Recorder(config, device: device, secrets: secrets, clock: { [clock] in clock.now })
    }
}

/// Three drivers' first day, against a running server.
final class JourneyTests: FolderTest {
    func testJoinDriveBeKilledReopenUploadSeeTheMapChangeTakeAwayAndErase() async throws {
        let server = try RunningServer()
        let policy = try await server.policy()
        // A road of this run's own.
        let from = Place(latitudeDeg: .random(in: 1...50), longitudeDeg: .random(in: 1...170))
        let tile = tilePath(of: Place(latitudeDeg: from.latitudeDeg + 4000 / 111_195, longitudeDeg: from.longitudeDeg))
        var drivers: [(driver: Driver, traces: [String])] = []
        for n in 0..<3 {
            let before = try await server.get(tile).status
            XCTAssertEqual(before, 204, "\(n) drivers are not public")
            let driver = try Driver(folder: folder, policy: policy, startedAgo: 640 + Double(n) * 10)
            try await drive(driver, from, over: server.transport)
            drivers.append((driver, try await deliver(driver, to: server)))
        }
        _ = try await server.eventually("tile") { try await server.get(tile).status == 200 ? true : nil }
        for (driver, traces) in drivers {
            try await takeAwayAndErase(driver, traces, server)
        }
    }

    /// Joins twice, drives, and is killed: nobody stops the trip, nobody closes.
    private func drive(_ driver: Driver, _ from: Place, over transport: URLSessionTransport) async throws {
        let recorder = try driver.open()
        for _ in 0..<2 { try await recorder.enrol(account: driver.account, over: transport) }
        try recorder.grantConsent()
        try recorder.startTrip()
        try recorder.drive(driver.clock, seconds: 400, from: from)
    }

    /// Reopens, and uploads what is there; the traces, each with its receipt and accepted.
    private func deliver(_ driver: Driver, to server: RunningServer) async throws -> [String] {
        driver.clock.advance(60)
        let recorder = try driver.open()
        let events = recorder.events
        try recorder.setConditions(Conditions(connection: .wifi))
        try recorder.grantConsent()
        try await recorder.deliverAll(driver.clock, over: server.transport)
        let status = recorder.status
        XCTAssertEqual([status.receiptsInvalid, status.tracesDropped], [0, 0])
        XCTAssertEqual(status.tracesRefused, [:])
        // The phone asks what became of them, too, once the rules had their time.
        _ = try await server.eventually("verdicts") {
            let again = try await recorder.drain(over: server.transport)
            driver.clock.advance(to: again ?? driver.clock.now)
            return try recorder.verdicts().allSatisfy { $0.accepted == true } ? true : nil
        }
        XCTAssertEqual(try recorder.verdicts().count, status.tracesReceived)
        try recorder.close()
        var traces: [String] = []
        for await event in events { if case .received(let trace, _) = event { traces.append(trace) } }
        XCTAssertEqual(traces.count, status.tracesReceived)
        for trace in traces {
            let verdict = try await server.eventually("verdict") {
                let shown: Shown = try await server.json("/v1/traces/\(trace)")
                return shown.status == "pending" ? nil : shown.status
            }
            XCTAssertEqual(verdict, "accepted", trace)
        }
        return traces
    }

    func testASecondPhoneJoinsByAnInvitationAndIsSignedOut() async throws {
        let server = try RunningServer()
        let policy = try await server.policy()
        let attested = Guarded<[Data]>([])
        let first = try Driver(folder: folder, policy: policy, startedAgo: 0)
        let second = try Driver(folder: folder, policy: policy, startedAgo: 0)
        let (phone, other) = (try first.open(), try second.open())
        try await phone.enrol(account: first.account, over: server.transport)
        let invitation = try await phone.invite(account: first.account, over: server.transport)
        XCTAssertGreaterThan(invitation.expires, Date())
        try await other.join(
            invitation: invitation.text, over: server.transport,
            attest: { challenge in
                attested.use { $0.append(challenge) }
                return Attestation(format: "none-of-ours", object: Data([1]))
            })
        XCTAssertEqual(attested.use { $0.map(\.count) }, [32])
        let ids = [try phone.deviceID, try other.deviceID]
        let joined = try await other.overview(over: server.transport)
        XCTAssertEqual(Set(joined.devices.map(\.deviceID)), Set(ids))
        // A device's own key signs no other out.
        let foreign = await failure { try await other.signOut(deviceID: ids[0], over: server.transport) }
        guard case .refused = foreign else { return XCTFail("\(String(describing: foreign))") }
        let out = try await phone.signOut(deviceID: ids[1], over: server.transport, account: first.account)
        XCTAssertEqual(out.deviceID, ids[1])
        XCTAssertNotNil(out.revoked)
        let left = try await phone.overview(over: server.transport).devices.filter { $0.revoked == nil }
        XCTAssertEqual(left.map(\.deviceID), [ids[0]])
        let stranger = await failure { try await other.join(invitation: "what?", over: server.transport) }
        guard case .argument = stranger else { return XCTFail("\(String(describing: stranger))") }
        let nobody = await failure { try await phone.signOut(deviceID: "nobody", over: server.transport) }
        guard case .argument = nobody else { return XCTFail("\(String(describing: nobody))") }
    }

    private func takeAwayAndErase(_ driver: Driver, _ traces: [String], _ server: RunningServer) async throws {
        // The server takes no request of a clock that is minutes off, and what was waited for may have set this
        // one ahead.
        driver.clock.set(Date())
        let recorder = try driver.open()
        try recorder.grantConsent()
        let overview = try await recorder.overview(over: server.transport)
        XCTAssertEqual(overview.devices.map(\.deviceID), [try recorder.deviceID])
        let export = try await recorder.export(over: server.transport, account: driver.account)
        let text = String(decoding: export, as: UTF8.self)
        XCTAssertNotNil(try JSONSerialization.jsonObject(with: export) as? [String: Any])
        for trace in traces { XCTAssert(text.contains(trace), trace) }

        let events = recorder.events
        try recorder.erase(account: driver.account)
        while recorder.status.erasuresWaiting > 0 {
            let again = try await recorder.drain(over: server.transport)
            driver.clock.advance(to: again ?? driver.clock.now)
        }
        let gone = await failure { _ = try await recorder.export(over: server.transport, account: driver.account) }
        guard case .refused(code: "not_found", detail: _) = gone else { return XCTFail("\(String(describing: gone))") }
        for trace in traces {
            let status = try await server.get("/v1/traces/\(trace)").status
            XCTAssertEqual(status, 404, trace)
        }
        try recorder.close()
        var told: [Event] = []
        for await event in events { told.append(event) }
        XCTAssert(told.contains(.erased), "\(told)")
        XCTAssertFalse(FileManager.default.fileExists(atPath: driver.config.journal.path + ".erasure"))
    }

    private struct Shown: Decodable {
        let status: String
    }

    /// The tile at zoom 14 that holds a place, by Web Mercator.
    private func tilePath(of place: Place) -> String {
        let n = 16_384.0
        let latitude = place.latitudeDeg * .pi / 180
        let x = Int((place.longitudeDeg + 180) / 360 * n)
        let y = Int((1 - asinh(tan(latitude)) / .pi) / 2 * n)
        return "/v1/tiles/traffic/14/\(x)/\(y)"
    }
}
