import Foundation
import Hexmile
import XCTest

import DemoModel

final class TextTests: XCTestCase {
    func testAServersAddressIsCheckedBeforeItIsUsed() {
        func good(_ text: String, _ url: String) {
            XCTAssertEqual(try ServerAddress(text).url.absoluteString, url, text)
        }
        good("hexmile.example", "https://hexmile.example")
        good("  https://hexmile.example/ ", "https://hexmile.example")
        good("HTTPS://hexmile.example:8443/traffic//", "https://hexmile.example:8443/traffic")
        good("http://localhost:8080", "http://localhost:8080")
        good("http://[::1]:8080", "http://[::1]:8080")
        good("http://192.168.1.20:8080", "http://192.168.1.20:8080")
        good("http://172.31.0.1", "http://172.31.0.1")
        good("http://desk.local:8080", "http://desk.local:8080")
        func bad(_ text: String, _ fault: ServerAddress.Fault) {
            XCTAssertThrowsError(try ServerAddress(text), text) {
                XCTAssertEqual($0 as? ServerAddress.Fault, fault, text)
            }
        }
        bad("", .empty)
        bad(" \n", .empty)
        bad("https://", .unreadable)
        bad("ftp://hexmile.example", .unreadable)
        bad("http://hexmile.example", .unencrypted)
        bad("http://172.32.0.1", .unencrypted)
        bad("http://10.0.0.1.example.org", .unencrypted)
        bad("http://192.168.1.300", .unencrypted)
        bad("https://me:secret@hexmile.example", .credentials)
        bad("https://hexmile.example/?a=b", .query)
        bad("https://hexmile.example/#map", .query)
    }

    func testTheMapIsTheServersPage() throws {
        let page = { try ServerAddress($0).map.absoluteString }
        XCTAssertEqual(try page("hexmile.example"), "https://hexmile.example/")
        XCTAssertEqual(try page("hexmile.example/traffic"), "https://hexmile.example/traffic/")
    }

    func testCoordinatesAreDegreesWithAPointOrAComma() {
        func good(_ latitude: String, _ longitude: String, _ place: Place) {
            XCTAssertEqual(try Coordinates.place(latitude: latitude, longitude: longitude), place)
        }
        good("47.5", "-8.25", Place(latitudeDeg: 47.5, longitudeDeg: -8.25))
        good(" -90 ", "+180", Place(latitudeDeg: -90, longitudeDeg: 180))
        good("47,5", "8,25", Place(latitudeDeg: 47.5, longitudeDeg: 8.25))
        for text in ["", "nan", "inf", "0x10", "1e1", "90.1", "47.5.1", "north"] {
            XCTAssertThrowsError(try Coordinates.place(latitude: text, longitude: "0"), text) {
                XCTAssertEqual($0 as? Coordinates.Fault, .latitude)
            }
        }
        XCTAssertThrowsError(try Coordinates.place(latitude: "0", longitude: "180.5")) {
            XCTAssertEqual($0 as? Coordinates.Fault, .longitude)
        }
    }

    func testCreditsAreExact() {
        for (millionths, text) in [
            (0, "0"), (1, "0.000001"), (1_000_000, "1"), (1_250_000, "1.25"), (-1_500_000, "-1.5"),
            (Int64.max, "9223372036854.775807"), (Int64.min, "-9223372036854.775808"),
        ] as [(Int64, String)] {
            XCTAssertEqual(Words.credits(millionths), text)
        }
    }

    func testConsentPromisesNothing() {
        let text = Consent.points.map { $0.question + " " + $0.answer }.joined(separator: " ").lowercased()
        for word in ["income", "passive", "get paid", "guarantee", "reward", "free money", "best"] {
            XCTAssertFalse(text.contains(word), word)
        }
        for word in ["location", "where the phone is", "credit", "no promise of money", "erase", "withdraw"] {
            XCTAssertEqual(text.contains(word), word != "location", word)
        }
        XCTAssertEqual(Set(Consent.points.map(\.id)).count, Consent.points.count)
    }

    func testUploadsAreToldByWhatHoldsThemUp() {
        let check = { (edit: (inout Status) -> Void, state: UploadState, words: String) in
            var status = Status()
            edit(&status)
            XCTAssertEqual(UploadState(status), state)
            XCTAssertEqual(state.words, words)
        }
        check({ _ in }, .nothing, "Nothing was recorded yet.")
        check({ $0.tracesReceived = 1 }, .delivered(traces: 1), "The server has your piece.")
        check(
            { ($0.tracesReceived, $0.tracesWaiting, $0.tracesUnsealed) = (3, 1, 1) },
            .waiting(traces: 2, reason: nil, until: nil), "2 pieces wait to be sent.")
        check(
            { ($0.tracesWaiting, $0.uploadsWait) = (1, "waiting_for_wifi") },
            .waiting(traces: 1, reason: "waiting_for_wifi", until: nil), "1 piece waits: you chose Wi-Fi only.")
        check(
            { ($0.tracesWaiting, $0.uploadsWait) = (1, "a new code") },
            .waiting(traces: 1, reason: "a new code", until: nil), "1 piece waits: a new code")
        check(
            { $0.uploadsPaused = "sdk_too_old" }, .paused(code: "sdk_too_old"),
            "The server needs a newer version of this app. What waits is kept.")
    }
}
