import Foundation
import XCTest

@testable import Hexmile

final class WaitingTests: XCTestCase {
    func testNotificationsAreHeardAsLongAsSomebodyWatches() {
        let name = Notification.Name("org.hexmile.test-\(UUID())")
        let heard = Guarded(0)
        var watching: Watching? = Watching([name]) { heard.use { $0 += 1 } }
        XCTAssertNotNil(watching)
        NotificationCenter.default.post(name: name, object: nil)
        watching = nil
        NotificationCenter.default.post(name: name, object: nil)
        XCTAssertEqual(heard.use { $0 }, 1)
    }

    func testWhoWaitsMayGiveUpAndTheNextComesIn() async throws {
        let turnstile = Turnstile()
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let (entered, entering) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            try await turnstile.pass {
                entering.yield()
                for await _ in gate { break }
            }
        }
        for await _ in entered { break }
        let second = Task { try await turnstile.pass { XCTFail("it gave up") } }
        while turnstile.waiting < 1 { await Task.yield() }
        let third = Task { try await turnstile.pass { "in" } }
        while turnstile.waiting < 2 { await Task.yield() }
        second.cancel()
        let gaveUp = await second.result
        XCTAssertThrowsError(try gaveUp.get()) { XCTAssert($0 is CancellationError) }
        opener.yield()
        try await first.value
        let came = try await third.value
        XCTAssertEqual(came, "in")
        // What is thrown inside opens it, too.
        do { try await turnstile.pass { throw Gone() } } catch is Gone {}
        try await turnstile.pass {}
    }

    func testARingWakesWhoSleepsAndWhoIsAboutTo() async {
        let bell = Bell()
        bell.ring()
        await bell.sleep(seconds: 600)
        let sleeper = Task { await bell.sleep(seconds: 600) }
        while !sleeper.isCancelled {
            bell.ring()
            sleeper.cancel()
        }
        await sleeper.value
    }
}
