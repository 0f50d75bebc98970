import Foundation
import Hexmile
import XCTest

@testable import DemoModel

final class AppModelTests: PhoneTest {
    private var journals: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/journals")) ?? []
    }

    func testANewAppAsksForAServerThenForConsentAndWritesNothingBefore() async throws {
        let app = app()
        await app.open()
        XCTAssertEqual(app.phase, .needsServer)
        await app.setServer("http://hexmile.example")
        XCTAssertEqual(app.phase, .needsServer)
        XCTAssertEqual(app.problem, Words.error(ServerAddress.Fault.unencrypted))
        await app.setServer("hexmile.example")
        XCTAssertEqual(app.phase, .needsConsent)
        XCTAssertNil(app.problem)
        XCTAssertEqual(secrets.names, [])
        XCTAssertEqual(journals, [])

        await app.agree()
        XCTAssertEqual(app.phase, .ready)
        XCTAssertEqual(journals, ["0a0b"])
        XCTAssertEqual(sensors.last?.asked, ["open"])
        await app.close()
    }

    func testAServerThatDoesNotAnswerIsNotTaken() async throws {
        let app = app(Nowhere())
        await app.open()
        await app.setServer("hexmile.example")
        XCTAssertEqual(app.phase, .needsServer)
        XCTAssertEqual(app.problem, Words.error(URLError(.notConnectedToInternet)))
        let stranger = self.app(Stranger())
        await stranger.open()
        await stranger.setServer("stranger.example")
        XCTAssertEqual(stranger.problem, "There is no Hexmile server at this address.")
    }

    func testATripIsShownAsItIsDriven() async throws {
        let (app, driver, sensors) = try await agreed()
        await driver.startTrip()
        XCTAssertEqual(sensors.asked, ["open", "trip began"])
        try sensors.play(seconds: 200, from: Place(latitudeDeg: 10, longitudeDeg: 20))
        try await eventually("figures") { driver.fix != nil && driver.distanceKm > 3.5 }
        XCTAssert(driver.status.recording)
        XCTAssertEqual(try XCTUnwrap(driver.fix?.speedMps), 20, accuracy: 1)
        XCTAssertGreaterThan(try XCTUnwrap(driver.status.trip).fixesHeld, 0)
        XCTAssertGreaterThan(driver.status.fixesDropped["trip_start"] ?? 0, 0)
        await driver.stopTrip()
        try await eventually("end") { !driver.status.recording }
        XCTAssertNil(driver.fix)
        XCTAssertEqual(sensors.asked.last, "trip ended")
        // One that was on its way is of no trip any more.
        try sensors.play(seconds: 1, from: Place(latitudeDeg: 10, longitudeDeg: 20))
        try await eventually("late fix") { driver.status.fixesDropped["no_trip"] == 1 }
        XCTAssertNil(driver.fix)
        // The phone is not enrolled, and says why.
        try await eventually("trouble") { driver.trouble != nil }
        driver.dismissTrouble()
        XCTAssertNil(driver.trouble)
        await driver.export.write(.trips)
        let file = try XCTUnwrap(driver.export.file, driver.export.problem ?? "")
        XCTAssert(try String(contentsOf: file, encoding: .utf8).contains("<gpx"))
        driver.export.discard()
        XCTAssertFalse(FileManager.default.fileExists(atPath: file.path))
        await app.close()
    }

    func testATripThatWasUnderWayGoesOnAfterARestart() async throws {
        let (app, driver, _) = try await agreed()
        await driver.startTrip()
        try sensors[0].play(seconds: 100, from: Place(latitudeDeg: 10, longitudeDeg: 20))
        await app.close()
        let again = self.app()
        await again.open()
        XCTAssertEqual(again.phase, .ready)
        let reopened = try XCTUnwrap(again.driver)
        try await eventually("goes on") { self.sensors.last?.asked == ["open", "trip began"] }
        try await eventually("status") { reopened.status.recording }
        await again.close()
    }

    func testWithdrawnIsWithdrawnAlsoAfterARestart() async throws {
        let (app, driver, sensors) = try await agreed()
        await driver.startTrip()
        await app.withdraw()
        XCTAssertEqual(app.phase, .needsConsent)
        XCTAssertNil(app.driver)
        XCTAssertEqual(sensors.asked.last, "close")
        await app.close()
        let again = self.app()
        await again.open()
        XCTAssertEqual(again.phase, .needsConsent)
        XCTAssertNil(again.driver)
        let drained = await again.recorderToDrain()
        XCTAssertNil(drained)
    }

    func testALockedPhoneIsNoErrorAndGoesOnOnceUnlocked() async throws {
        let (app, _, _) = try await agreed()
        await app.close()
        secrets.isLocked = true
        let again = self.app()
        await again.open()
        XCTAssertEqual(again.phase, .locked)
        secrets.isLocked = false
        await again.open()
        XCTAssertEqual(again.phase, .ready, again.problem ?? "")
        await again.close()
    }

    func testOpeningTwiceAtOnceOpensOnce() async throws {
        let (app, _, _) = try await agreed()
        await app.close()
        let opened = sensors.count
        let again = self.app()
        async let first: Void = again.open()
        async let second: Void = again.open()
        _ = await (first, second)
        XCTAssertEqual(again.phase, .ready, again.problem ?? "")
        XCTAssertEqual(sensors.count, opened + 1)
        await again.close()
    }

    func testPrivatePlacesAreCutFromTheNextFixOnAndKept() async throws {
        let (app, driver, sensors) = try await agreed()
        let home = Place(latitudeDeg: 10, longitudeDeg: 20)
        let typed = await driver.zones.add("Work", latitude: "91", longitude: "0")
        XCTAssertFalse(typed)
        XCTAssertEqual(driver.zones.problem, Words.error(Coordinates.Fault.latitude))
        await driver.zones.add("Home", at: home)
        XCTAssertNil(driver.zones.problem)
        await driver.startTrip()
        try sensors.play(seconds: 5, from: home)
        try await eventually("cut") { driver.status.fixesDropped["zone"] == 5 }
        // No file says where it is.
        XCTAssert(secrets.names.contains("zones.list"))
        await app.close()

        let again = self.app()
        await again.open()
        let zones = try XCTUnwrap(again.driver?.zones)
        await zones.load()
        XCTAssertEqual(zones.places.map(\.name), ["Home"])
        XCTAssertEqual(zones.places.map(\.place), [home])
        await zones.remove(zones.places[0])
        XCTAssertEqual(zones.places, [])
        // What no zone can be is not kept.
        await zones.add("Nowhere", at: Place(latitudeDeg: .nan, longitudeDeg: 0))
        XCTAssertEqual(zones.places, [])
        XCTAssertNotNil(zones.problem)
        await again.close()
    }

    func testTripsThatBeginByThemselvesAreTheRecordersToBegin() async throws {
        let (app, _, _) = try await agreed()
        await app.setAutomaticTrips(true)
        let driver = try XCTUnwrap(app.driver, app.problem ?? "")
        XCTAssertFalse(driver.startsByHand)
        XCTAssertEqual(sensors.map(\.asked), [["open", "close"], ["open, automatic"]])
        try await eventually("motion") { driver.status.motion == .parked }
        await app.setWifiOnly(true)
        XCTAssertNil(app.problem)
        XCTAssert(app.settings.wifiOnly && app.settings.automaticTrips)
        await app.close()
    }

    func testErasingWaitsForTheServerAlsoOverARestart() async throws {
        let (app, driver, sensors) = try await agreed()
        await driver.startTrip()
        try sensors.play(seconds: 50, from: Place(latitudeDeg: 10, longitudeDeg: 20))
        await app.erase()
        XCTAssertEqual(app.phase, .erasing)
        XCTAssertNil(app.problem)
        // The network is not closed: whoever is offline is erased once they are not.
        XCTAssertEqual(sensors.asked, ["open", "trip began", "drives ended"])
        try await eventually("request") { driver.status.erasuresWaiting == 1 }
        await app.close()

        let again = self.app(Erased())
        await again.open()
        try await eventually("erased") { again.phase == .erased }
        XCTAssertEqual(secrets.names, [])
        XCTAssertEqual(journals, [])
        XCTAssertEqual(again.settings.network?.name, "test")
        XCTAssertNil(again.settings.agreement)
        again.startAnew()
        XCTAssertEqual(again.phase, .needsConsent)
        await again.agree()
        XCTAssertEqual(again.phase, .ready, again.problem ?? "")
        await again.close()
    }

    func testAServerThatRefusesToEraseIsSaidAndMayBeAskedAgain() async throws {
        let (app, _, _) = try await agreed(Refusing())
        await app.erase()
        try await eventually("refusal") { app.problem != nil }
        XCTAssertEqual(app.phase, .erasing)
        XCTAssert(try XCTUnwrap(app.problem).contains("signature_invalid"))
        await app.close()
    }
}

/// A page that is no Hexmile server's.
private struct Stranger: Transport {
    func send(_ request: Request) async throws -> Answer {
        Answer(status: 200, body: Data("<html>".utf8))
    }
}

/// A server that erases.
struct Erased: Transport {
    func send(_ request: Request) async throws -> Answer {
        guard request.method == "DELETE" else { return try await Greeting().send(request) }
        return Answer(status: 200, body: Data(#"{"devices":1,"traces":0,"forgotten_at_ms":3}"#.utf8))
    }
}

/// A server that does not.
private struct Refusing: Transport {
    func send(_ request: Request) async throws -> Answer {
        guard request.method == "DELETE" else { return try await Greeting().send(request) }
        let problem = #"{"type":"urn:hexmile:problem:signature_invalid","status":401,"code":"signature_invalid","detail":"no","temporary":false}"#
        return Answer(status: 401, body: Data(problem.utf8))
    }
}
