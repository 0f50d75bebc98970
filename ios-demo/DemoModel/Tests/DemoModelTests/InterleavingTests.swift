import Foundation
import Hexmile
import XCTest

@testable import DemoModel

private let here = Place(latitudeDeg: 10, longitudeDeg: 20)

/// What a driver or the system asks for while something else is under way, and an app that dies in between.
final class InterleavingTests: PhoneTest {
    private var settingsFile: URL { folder.appendingPathComponent("settings.json") }

    private func edit(_ change: (inout Settings) -> Void) throws {
        let file = SettingsFile(file: settingsFile)
        var settings = try file.load()
        change(&settings)
        try file.save(settings)
    }

    func testWhoAgreesTwiceHasOneRecorder() async throws {
        let app = app()
        await app.open()
        await app.setServer("hexmile.example")
        async let first: Void = app.agree()
        async let second: Void = app.agree()
        _ = await (first, second)
        XCTAssertEqual(app.phase, .ready)
        XCTAssertNil(app.problem)
        XCTAssertNotNil(app.driver)
        XCTAssertEqual(sensors.map(\.asked), [["open"]])
        await app.close()
    }

    /// Else somebody who has just been erased would be recorded.
    func testWhoErasesWhileAnotherSettingTakesEffectIsErased() async throws {
        let (app, _, sensors) = try await agreed()
        var erasing: Task<Void, Never>?
        sensors.onAsked["close"] = { if erasing == nil { erasing = Task { await app.erase() } } }
        await app.setAutomaticTrips(true)
        await erasing?.value
        XCTAssertEqual(app.phase, .erasing)
        XCTAssert(app.settings.isErasing)
        XCTAssertEqual(app.driver?.recorder.status.consent, false)
        XCTAssertEqual(self.sensors.last?.asked, ["open, automatic", "drives ended"])
        await app.close()
    }

    /// Whoever agrees next would be erased by it when the app is opened again.
    func testAskingAgainWhileEverythingIsForgottenErasesNobodyElse() async throws {
        let (app, _, _) = try await agreed(Erased())
        let again = Asked()
        secrets.beforeForgetting = { name in
            if name == "device" { Task { @MainActor in again.ask { await app.erase() } } }
        }
        await app.erase()
        try await eventually("erased") { again.task != nil && app.phase == .erased }
        await again.task?.value
        XCTAssertEqual(app.phase, .erased)
        XCTAssertEqual(secrets.names, [])
        app.startAnew()
        await app.agree()
        XCTAssertEqual(app.phase, .ready, app.problem ?? "")
        await app.close()
        let next = self.app(Erased())
        await next.open()
        XCTAssertEqual(next.phase, .ready)
        await next.close()
    }

    func testAWithdrawalWaitsForNoServerAndNoneThatAnswersLateUndoesIt() async throws {
        let answer = AsyncStream.makeStream(of: Void.self)
        let asked = AsyncStream.makeStream(of: Void.self)
        let (app, _, _) = try await agreed()
        await app.close()
        let again = self.app(
            Waiting(for: { $0.path == "/v1/policy" }) {
                asked.continuation.yield()
                for await _ in answer.stream { break }
            })
        await again.open()
        XCTAssertEqual(again.phase, .ready)
        let choosing = Task { await again.setServer("elsewhere.example") }
        for await _ in asked.stream { break }
        await again.withdraw()
        XCTAssertEqual(again.phase, .needsConsent)
        XCTAssertNil(again.driver)
        answer.continuation.finish()
        await choosing.value
        XCTAssertEqual(again.phase, .needsConsent)
        XCTAssertNil(again.driver)
        XCTAssertEqual(again.settings.server?.url.host, "elsewhere.example")
        await again.close()
    }

    func testAWithdrawalHoldsAlsoWhereItCannotBeWritten() async throws {
        let (app, driver, sensors) = try await agreed()
        await driver.startTrip()
        // Nothing can be written in its place.
        try FileManager.default.removeItem(at: settingsFile)
        try FileManager.default.createDirectory(
            at: settingsFile.appendingPathComponent("full"), withIntermediateDirectories: true)
        await app.withdraw()
        XCTAssertEqual(app.phase, .needsConsent)
        XCTAssertNil(app.driver)
        XCTAssertFalse(driver.recorder.status.consent)
        XCTAssertEqual(sensors.asked.last, "close")
        await app.close()
        let again = self.app()
        await again.open()
        XCTAssertNil(again.driver)
        XCTAssertNil(again.settings.agreement)
        await again.close()
    }

    /// What was open when a driver withdrew is never sealed, also where the app dies at that moment.
    func testWhatWasOpenInAWithdrawalThatAKillCutShortIsForgotten() async throws {
        let (app, driver, sensors) = try await agreed()
        await driver.startTrip()
        try sensors.play(seconds: 100, from: here)
        try await Work.run { [recorder = driver.recorder] in try recorder.flush() }
        let dead = folder.appendingPathExtension("dead")
        defer { try? FileManager.default.removeItem(at: dead) }
        let kept = Kept()
        secrets.beforeForgetting = { [folder, secrets] _ in
            kept.once {
                try? FileManager.default.copyItem(at: folder, to: dead)
                return secrets.all
            }
        }
        await app.withdraw()
        XCTAssertNil(app.problem)
        XCTAssertFalse(app.settings.isWithdrawing)
        await app.close()

        let left = MemorySecrets(try XCTUnwrap(kept.secrets))
        XCTAssert(left.names.contains { $0.hasPrefix("hexmile-") }, "\(left.names)")
        let again = self.app(folder: dead, secrets: left)
        await again.open()
        XCTAssertEqual(again.phase, .needsConsent)
        XCTAssertNil(again.problem)
        XCTAssertNil(again.driver)
        await again.agree()
        let recorder = try XCTUnwrap(again.driver?.recorder, again.problem ?? "")
        XCTAssertFalse(recorder.status.recording)
        await again.close()
    }

    func testWhoAgreedToAnEarlierTextIsAskedAlsoAfterChoosingAServer() async throws {
        let (app, _, _) = try await agreed()
        await app.close()
        try edit { $0.agreement = .init(version: Consent.version - 1, date: Date()) }
        let again = self.app()
        await again.open()
        XCTAssertEqual(again.phase, .needsConsent)
        await again.setServer("hexmile.example")
        XCTAssertEqual(again.phase, .needsConsent)
        XCTAssertNil(again.driver)
        await again.close()
    }

    func testErasingGoesOnOnceThePhoneIsUnlocked() async throws {
        let (app, _, _) = try await agreed()
        await app.erase()
        await app.close()
        secrets.isLocked = true
        let again = self.app(Erased())
        await again.open()
        XCTAssertEqual(again.phase, .locked)
        secrets.isLocked = false
        await again.open()
        try await eventually("erased") { again.phase == .erased }
        await again.close()
    }

    func testASettingThatCannotTakeEffectLeavesNoEmptyScreen() async throws {
        let (app, _, _) = try await agreed()
        secrets.isLocked = true
        await app.setAutomaticTrips(true)
        XCTAssertEqual(app.phase, .locked)
        XCTAssertNotNil(app.problem)
        secrets.isLocked = false
        await app.open()
        XCTAssertEqual(app.phase, .ready, app.problem ?? "")
        XCTAssertEqual(app.driver?.startsByHand, false)
        await app.close()
    }

    func testSettingsOfAnEarlierAppAreRead() async throws {
        let kept = #"{"isErasing":true,"server":"https://hexmile.example"}"#
        let settings = try JSONDecoder().decode(Settings.self, from: Data(kept.utf8))
        XCTAssert(settings.isErasing && !settings.isWithdrawing)
        XCTAssertEqual(try JSONDecoder().decode(Settings.self, from: JSONEncoder().encode(settings)), settings)
    }

    func testATripThatIsStoppedWhileItBeginsLeavesNoSensorOn() async throws {
        let (app, driver, sensors) = try await agreed()
        // Whoever waits for a disk or a lock waits after the trip has begun.
        let gate = DispatchSemaphore(value: 0)
        sensors.onAsked["trip began"] = { gate.signal() }
        let starting = Task { await driver.startTrip() }
        let blocking = Task { try await Work.run { gate.wait() } }
        let stopping = Task { await driver.stopTrip() }
        await starting.value
        try await blocking.value
        await stopping.value
        XCTAssertFalse(driver.recorder.status.recording)
        XCTAssertEqual(sensors.asked, ["open", "trip began", "trip ended"])
        await app.close()
    }

    func testATripEndsByItselfAndItsSensorsWithItBeforeTheServerKnowsThePhone() async throws {
        let (app, before, played) = try await agreed()
        await before.startTrip()
        try played.play(seconds: 400, from: here)
        await app.close()
        let sent = Sent(Greeting())
        let again = self.app(sent)
        await again.open()
        let driver = try XCTUnwrap(again.driver, again.problem ?? "")
        let sensors = try XCTUnwrap(self.sensors.last)
        try await eventually("goes on") { sensors.asked == ["open", "trip began"] }
        // No fix comes any more, and something wakes the delivery.
        clock.advance(3600)
        try driver.recorder.setConditions(Conditions(connection: .wifi))
        try await eventually("end") { !driver.status.recording }
        XCTAssertEqual(sensors.asked, ["open", "trip began", "trip ended"])
        try driver.recorder.flush()
        try await eventually("handed out") { driver.status.bytesUploaded > 0 }
        XCTAssertFalse(again.settings.isEnrolled)
        XCTAssertFalse(sent.paths.contains("/v1/traces"))
        await again.close()
    }

    func testASensorOfADriverWhoHasLeftStaysOff() async throws {
        let (app, driver, sensors) = try await agreed()
        let gate = DispatchSemaphore(value: 0)
        sensors.onAsked["drives ended"] = { gate.signal() }
        let blocking = Task { try await Work.run { gate.wait() } }
        let starting = Task { await driver.startTrip() }
        let erasing = Task { await app.erase() }
        try await blocking.value
        await starting.value
        await erasing.value
        XCTAssertEqual(app.phase, .erasing)
        XCTAssertEqual(sensors.asked, ["open", "drives ended"])
        await app.close()
    }

    func testAnExportThatNobodyWaitsForAnyMoreLeavesNoFile() async throws {
        let exports = FileManager.default.temporaryDirectory.appendingPathComponent("hexmile-export").path
        let answer = AsyncStream.makeStream(of: Void.self)
        let asked = AsyncStream.makeStream(of: Void.self)
        let (app, driver, _) = try await agreed(
            Waiting(for: { $0.method == "GET" && $0.headers["Authorization"] != nil }) {
                asked.continuation.yield()
                for await _ in answer.stream { break }
            })
        let writing = Task { await driver.export.write(.server) }
        for await _ in asked.stream { break }
        // The driver leaves the screen.
        driver.export.discard()
        answer.continuation.yield()
        await writing.value
        XCTAssertNil(driver.export.file)
        XCTAssertFalse(driver.export.isWorking)
        XCTAssertEqual((try? FileManager.default.contentsOfDirectory(atPath: exports)) ?? [], [])

        // And none outlasts the driver, or the app.
        await driver.export.write(.phone)
        let file = try XCTUnwrap(driver.export.file, driver.export.problem ?? "").path
        await app.erase()
        XCTAssertFalse(FileManager.default.fileExists(atPath: file))
        await app.close()
        try FileManager.default.createDirectory(atPath: exports, withIntermediateDirectories: true)
        let again = self.app()
        await again.open()
        XCTAssertFalse(FileManager.default.fileExists(atPath: exports))
        await again.close()
    }

    func testAPlaceThatIsStillShownIsStillHidden() async throws {
        let (app, driver, sensors) = try await agreed()
        await driver.zones.add("Home", at: here)
        secrets.unkeepable = ["zones.list"]
        await driver.zones.remove(driver.zones.places[0])
        XCTAssertNotNil(driver.zones.problem)
        XCTAssertEqual(driver.zones.places.map(\.name), ["Home"])
        await driver.startTrip()
        try sensors.play(seconds: 1, from: here)
        XCTAssertEqual(driver.recorder.status.fixesDropped["zone"], 1)
        await app.close()
    }
}

/// What was asked a second time.
@MainActor
private final class Asked {
    private(set) var task: Task<Void, Never>?

    nonisolated init() {}

    func ask(_ work: @escaping @MainActor () async -> Void) {
        if task == nil { task = Task { await work() } }
    }
}

/// What was kept at a moment.
private final class Kept: @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [String: Data]?

    var secrets: [String: Data]? { lock.withLock { kept } }

    func once(_ keep: () -> [String: Data]) {
        if secrets != nil { return }
        let secrets = keep()
        lock.withLock { kept = secrets }
    }
}

/// A way to a server that notes what is asked.
private final class Sent: Transport, @unchecked Sendable {
    private let transport: any Transport
    private let lock = NSLock()
    private var asked: [String] = []

    init(_ transport: any Transport) { self.transport = transport }

    var paths: [String] { lock.withLock { asked } }

    func send(_ request: Request) async throws -> Answer {
        lock.withLock { asked.append(request.path) }
        return try await transport.send(request)
    }
}

/// A server that takes its time to answer some requests.
private struct Waiting: Transport {
    let isSlow: @Sendable (Request) -> Bool
    let wait: @Sendable () async -> Void

    init(for isSlow: @escaping @Sendable (Request) -> Bool, _ wait: @escaping @Sendable () async -> Void) {
        (self.isSlow, self.wait) = (isSlow, wait)
    }

    func send(_ request: Request) async throws -> Answer {
        guard isSlow(request) else { return try await Greeting().send(request) }
        await wait()
        // Where nobody is greeted, an export.
        return (try? await Greeting().send(request)) ?? Answer(status: 200, body: Data("{}".utf8))
    }
}
