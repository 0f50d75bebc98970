import Foundation
import XCTest

@testable import Hexmile

#if canImport(CryptoKit)
import CryptoKit
#endif

/// The vectors that the Rust and Kotlin tests and the server share, against this library.
final class VectorsTests: FolderTest {
    /// Lines of the file by their names.
    private let vectors: [String: String] = {
        let file = packageFolder.appendingPathComponent("../../trace/vectors/v1.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.hasPrefix(" ") }
        let words = lines.map { $0.split(separator: " ").map(String.init) }.filter { $0.count > 1 }
        return Dictionary(words.map { ($0[0], $0[1]) }) { first, _ in first }
    }()

    private func vector(_ name: String) throws -> Data {
        try XCTUnwrap(Data(hex: XCTUnwrap(vectors[name], name)), name)
    }

    private func signer(_ who: String) throws -> SoftwareSigner {
        try SoftwareSigner(seed: vector("\(who)_seed"))
    }

    func testTheDigestIsTheStandards() {
        XCTAssertEqual(
            sha256(Data("abc".utf8)).hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    func testKeysOfTheVectorsSeedsAreTheVectorsKeys() throws {
        for who in ["account", "device"] {
            XCTAssertEqual(try signer(who).publicKey, try vector("\(who)_key"))
        }
        let recorder = try recorder(device: signer("device"))
        XCTAssertEqual(try recorder.deviceID, vectors["device_id"])
    }

    func testEnrolmentSaysAndSignsWhatTheVectorsSay() async throws {
        let (account, device) = (try signer("account"), try signer("device"))
        let network = String(decoding: try vector("network_name"), as: UTF8.self)
        // Behind the network's and the account's id, and before the algorithm and the device's key.
        let message = try vector("device_message")
        let challenge = message.dropFirst(24).dropLast(33).base64EncodedString()
        let id = try XCTUnwrap(vectors["account_id"])
        let sent = Guarded<[Request]>([])
        try await recorder(device: device, network: network).enrol(
            account: account,
            over: Answering { request in
                sent.use { $0.append(request) }
                let fields = #""account_id":"\#(id)","challenge":"\#(challenge)","challenge_expires_at_ms":7"#
                return Answer(status: 200, body: Data("{\(fields)}".utf8))
            })
        let requests = sent.use { $0 }
        XCTAssertEqual(requests.map(\.path), ["/v1/accounts", "/v1/devices"])
        let told = try requests.map {
            try JSONDecoder().decode([String: Told].self, from: XCTUnwrap($0.body)).compactMapValues(\.bytes)
        }
        XCTAssertEqual(told[0]["public_key"], try vector("account_key"))
        XCTAssertEqual(told[0]["signature"], try vector("account_signature"))
        XCTAssertEqual(told[1]["public_key"], try vector("device_key"))
        XCTAssertEqual(told[1]["device_signature"], try vector("device_signature"))
        // One key has one signature of a message.
        XCTAssertEqual(told[1]["account_signature"], try account.sign(deviceTag + message, for: .device))
    }

    func testTracesOfTheVectorsHaveTheirSignaturesAndIDs() throws {
        let device = try signer("device")
        for trace in ["small", "least", "drive", "extremes"] {
            let payload = try vector("\(trace).payload"), signature = try vector("\(trace).signature")
            XCTAssertEqual(traceID(payload), vectors["\(trace).trace_id"])
            XCTAssertEqual(try device.sign(traceTag + payload, for: .trace), signature)
            let whole = signedTraces(try vector("\(trace).signed_trace"))
            XCTAssertEqual(whole.map(\.payload), [payload])
            XCTAssertEqual(whole.map(\.signature), [signature])
        }
    }

    #if canImport(CryptoKit)
    /// Apple's own Ed25519 agrees.
    func testTheVectorsVerifyWithCryptoKit() throws {
        let device = try Curve25519.Signing.PublicKey(rawRepresentation: vector("device_key"))
        for trace in ["small", "least", "drive", "extremes"] {
            let message = traceTag + (try vector("\(trace).payload"))
            XCTAssert(device.isValidSignature(try vector("\(trace).signature"), for: message))
        }
        let server = try Curve25519.Signing.PublicKey(rawRepresentation: vector("server_key"))
        let receipt = receiptTag + (try vector("receipt_body"))
        XCTAssert(server.isValidSignature(try vector("receipt_signature"), for: receipt))
    }
    #endif
}

/// A value of which only Base64 matters.
private struct Told: Decodable {
    let bytes: Data?

    init(from decoder: any Decoder) throws {
        bytes = (try? decoder.singleValueContainer().decode(String.self)).flatMap { Data(base64Encoded: $0) }
    }
}
