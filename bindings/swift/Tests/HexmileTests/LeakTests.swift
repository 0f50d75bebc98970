import Foundation
import XCTest

final class LeakTests: XCTestCase {
    /// `HexmileCost` makes ten million of them by hand; these are enough to see a leak of 24 bytes a call.
    private static let calls = 200_000
    private static let mostKiB = 4096

    func testManyCallsOfEveryKindLeaveTheMemoryAsItWas() throws {
        let said = Probe.run(["\(Self.calls)"], program: "HexmileCost").said
        let words = try XCTUnwrap(said.first).split(separator: " ")
        let figures = words.compactMap { Int($0) }
        XCTAssertEqual(figures.first, Self.calls, "\(said)")
        guard figures.count == 3, figures[1] > 0 else { throw XCTSkip("this system does not tell a process's memory") }
        XCTAssertLessThan(figures[2] - figures[1], Self.mostKiB, "\(said)")
    }
}
