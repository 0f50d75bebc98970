import Hexmile
import XCTest

import DemoModel

final class PermissionTests: XCTestCase {
    func testTheNextStepFollowsFromWhatIsAllowedAndWanted() {
        let check = { (access: LocationAccess, automatic: Bool, asked: Bool, step: PermissionStep) in
            XCTAssertEqual(
                PermissionStep(access, automaticTrips: automatic, askedAlways: asked), step,
                "\(access), automatic \(automatic), asked \(asked)")
        }
        for automatic in [false, true] {
            check(LocationAccess(.notAsked), automatic, false, .explainWhenInUse)
            check(LocationAccess(.denied), automatic, false, .openSettings)
            check(LocationAccess(.restricted), automatic, false, .restricted)
            check(LocationAccess(.always), automatic, false, .ready)
            check(LocationAccess(.whenInUse, isPrecise: false), automatic, false, .explainPrecise)
            check(LocationAccess(.always, isPrecise: false), automatic, true, .explainPrecise)
        }
        check(LocationAccess(.whenInUse), false, false, .ready)
        check(LocationAccess(.whenInUse), true, false, .explainAlways)
        // The system shows its question once.
        check(LocationAccess(.whenInUse), true, true, .openSettings)
    }

    func testATripMayBeStartedWhereItCanBeRecorded() {
        let all: [LocationAccess.Grant] = [.notAsked, .denied, .restricted, .whenInUse, .always]
        XCTAssertEqual(all.filter { LocationAccess($0).mayRecord }, [.whenInUse, .always])
        XCTAssertEqual(all.filter { LocationAccess($0, isPrecise: false).mayRecord }, [])
    }
}
