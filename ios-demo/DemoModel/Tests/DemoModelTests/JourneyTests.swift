import Foundation
import Hexmile
import XCTest

@testable import DemoModel

/// The app against a running server.
final class JourneyTests: PhoneTest {
    func testADriversDayInTheApp() async throws {
        guard let server = ProcessInfo.processInfo.environment["HEXMILE_SERVER"], let url = URL(string: server)
        else { throw XCTSkip("HEXMILE_SERVER names no server") }
        // The drive ends about now.
        clock.advance(-420)
        let attested = Attested()
        let transport = Untold(URLSessionTransport(server: url))
        let app = app(
            transport,
            attest: { _ in
                await attested.ask()
                throw URLError(.cannotFindHost)
            })
        await app.open()
        await app.setServer(server)
        await app.agree()
        let driver = try XCTUnwrap(app.driver, app.problem ?? "")
        // The platform's word is not to be had, and the phone is welcome all the same.
        try await eventually("enrolled") { app.settings.isEnrolled }
        let asked = await attested.times
        XCTAssertEqual(asked, 1)

        await driver.startTrip()
        let place = Place(latitudeDeg: .random(in: 1...50), longitudeDeg: .random(in: 1...170))
        try sensors[0].play(seconds: 400, from: place)
        clock.advance(20)
        await driver.stopTrip()
        try await eventually("delivered") { driver.status.isDelivered && driver.status.tracesReceived > 0 }
        XCTAssertEqual(driver.uploads, .delivered(traces: driver.status.tracesReceived))
        XCTAssertEqual(driver.status.receiptsInvalid, 0)
        // Before anybody has judged.
        try await eventually("receipts") { driver.verdicts.count == driver.status.tracesReceived }
        transport.tell()

        // The server takes no request of a clock that is minutes off.
        clock.catchUp()
        await driver.export.write(.server)
        let file = try XCTUnwrap(driver.export.file, driver.export.problem ?? "")
        let export = try String(contentsOf: file, encoding: .utf8)
        for verdict in driver.verdicts { XCTAssert(export.contains(verdict.trace)) }
        driver.export.discard()

        clock.catchUp()
        await app.erase()
        try await eventually("erased") { app.phase == .erased }
        XCTAssertEqual(secrets.names, [])
        XCTAssertNil(app.problem)
    }
}

/// Nobody tells what became of traces, nor what they earned, until it is time.
private final class Untold: Transport, @unchecked Sendable {
    private let server: any Transport
    private let lock = NSLock()
    private var tells = false

    init(_ server: any Transport) {
        self.server = server
    }

    func tell() {
        lock.withLock { tells = true }
    }

    func send(_ request: Request) async throws -> Answer {
        let isTold = request.method != "GET" || request.path == "/v1/policy" || lock.withLock { tells }
        guard isTold else { throw URLError(.timedOut) }
        return try await server.send(request)
    }
}

private actor Attested {
    private(set) var times = 0

    func ask() {
        times += 1
    }
}
