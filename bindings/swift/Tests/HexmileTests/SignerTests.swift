import Foundation
import XCTest

@testable import Hexmile

/// A key store's refusal.
private struct Locked: Error, Equatable {
    let word: String
}

/// The platform's key: a software key behind an app's own, with what tests make of it.
private final class HostKey: Signer {
    private let key: SoftwareSigner
    private let signing: @Sendable (Data) throws -> Data
    let purposes = Guarded<Set<SignPurpose>>([])

    init(_ signing: @escaping @Sendable (Data) throws -> Data = { $0 }) throws {
        key = try SoftwareSigner(seed: seed(5))
        self.signing = signing
    }

    var algorithm: KeyAlgorithm { .ed25519 }
    var publicKey: Data { key.publicKey }

    func sign(_ message: Data, for purpose: SignPurpose) throws -> Data {
        purposes.use { _ = $0.insert(purpose) }
        return try signing(key.sign(message, for: purpose))
    }
}

/// A key that says what it is told to.
private struct OddKey: Signer {
    var algorithm = KeyAlgorithm.ed25519
    var key: Result<Data, Locked>
    var signature = Data(count: 64)

    var publicKey: Data { get throws { try key.get() } }
    func sign(_ message: Data, for purpose: SignPurpose) throws -> Data { signature }
}

final class SignerTests: FolderTest {
    /// What sealing says with this key.
    private func sealing(_ device: any Signer) async throws -> HexmileError? {
        let recorder = try recorder(device: device)
        defer { try? recorder.close() }
        return await failure {
            try recorder.trip(clock)
            try await recorder.drain(over: Answering { _ in throw Gone() })
        }
    }

    func testAHostsKeySignsTraces() async throws {
        let device = try HostKey()
        let recorder = try recorder(device: device)
        try recorder.trip(clock)
        let server = Taking()
        try await recorder.drain(over: server)
        let traces = signedTraces(try XCTUnwrap(server.uploads.first?.body))
        XCTAssertFalse(traces.isEmpty)
        for (payload, signature) in traces {
            XCTAssertEqual(try SoftwareSigner(seed: seed(5)).sign(traceTag + payload, for: .trace), signature)
        }
        XCTAssertEqual(device.purposes.use { $0 }, [.trace])
    }

    func testWhatAKeyThrowsIsTheCause() async throws {
        let error = try await sealing(try HostKey { _ in throw Locked(word: "locked") })
        guard case .signing(let words, let cause) = error else { return XCTFail("\(String(describing: error))") }
        XCTAssert(words.contains("locked"), words)
        XCTAssertEqual(cause?.underlying as? Locked, Locked(word: "locked"))
    }

    func testASignatureOfAnotherLengthIsAnErrorWithoutACause() async throws {
        let error = try await sealing(try HostKey { $0.prefix(63) })
        guard case .signing(let words, nil) = error else { return XCTFail("\(String(describing: error))") }
        XCTAssert(words.contains("63"), words)
    }

    func testWhatAKeyThrewBeforeIsNotTheCauseOfWhatIsWrongNow() throws {
        let recorder = try recorder()
        let short = try HostKey { $0.prefix(63) }
        // Of a call whose error did not reach anyone.
        HostThread.key.failure = HostFailure(underlying: Locked(word: "before"))
        XCTAssertThrowsError(try recorder.erase(account: short)) {
            guard case .signing(_, nil)? = $0 as? HexmileError else { return XCTFail("\($0)") }
        }
    }

    func testAnES256SignatureThatIsNoneIsAnError() async throws {
        // The generator of P-256, compressed.
        let point = try XCTUnwrap(Data(hex: "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"))
        let odd = OddKey(algorithm: .es256, key: .success(point), signature: Data([0x30, 0x01]))
        guard case .signing(_, nil) = try await sealing(odd) else { return XCTFail() }
    }

    func testTracesThatALockedKeyDidNotSignAreSignedOnceItIsUnlocked() async throws {
        let locked = Guarded(true)
        let device = try HostKey { if locked.use({ $0 }) { throw Locked(word: "locked") } else { return $0 } }
        let recorder = try recorder(device: device)
        try recorder.grantConsent()
        try recorder.startTrip()
        let fixes = (0..<400).map { second -> Fix in
            clock.advance(1)
            return fix(clock.now, second: second)
        }
        // Whichever call it is that seals; the fixes are kept all the same.
        _ = try? recorder.record(fixes)
        try? recorder.stopTrip()
        _ = try? await recorder.drain(over: Taking())
        XCTAssertEqual(recorder.status.tracesReceived, 0)
        locked.use { $0 = false }
        try await recorder.deliverAll(clock, over: Taking())
        XCTAssertGreaterThan(recorder.status.tracesReceived, 0)
    }

    func testAKeyWithoutAPublicHalfReachesTheCallerAsItIs() async throws {
        let nameless = OddKey(key: .failure(Locked(word: "no such key")))
        XCTAssertThrowsError(try recorder(device: nameless)) {
            XCTAssertEqual($0 as? Locked, Locked(word: "no such key"))
        }
        for useless in [Data(count: 32), Data(), Data(count: 33)] {
            let error = await failure { _ = try recorder(device: OddKey(key: .success(useless))) }
            guard case .argument = error else { return XCTFail("\(useless.count)") }
        }
    }

    func testAKeyThatCallsItsRecorderGetsAnErrorInsteadOfWaitingForEver() async throws {
        let called = Guarded<Recorder?>(nil)
        let errors = Guarded<[HexmileError]>([])
        let device = try HostKey { signature in
            let recorder = called.use { $0 }
            for call in [{ try recorder?.flush() }, { try recorder?.close() }] {
                do { try call() } catch let error as HexmileError { errors.use { $0.append(error) } }
            }
            return signature
        }
        let recorder = try recorder(device: device)
        called.use { $0 = recorder }
        try recorder.trip(clock)
        try await recorder.drain(over: Taking())
        let told = errors.use { $0 }
        XCTAssertFalse(told.isEmpty)
        XCTAssert(told.allSatisfy { $0 == .calledFromWithin }, "\(told)")
        XCTAssertGreaterThan(recorder.status.tracesReceived, 0)
        called.use { $0 = nil }
    }

    func testAClosedRecorderLetsGoOfItsKey() throws {
        var device: HostKey? = try HostKey()
        weak var held = device
        let recorder = try recorder(device: XCTUnwrap(device))
        device = nil
        XCTAssertNotNil(held)
        try recorder.close()
        XCTAssertNil(held)
    }

    func testAnAccountsKeyThatThrowsIsTheCauseOfAFailedEnrolment() async throws {
        let recorder = try recorder()
        let locked = try HostKey { _ in throw Locked(word: "not now") }
        let error = await failure { try await recorder.enrol(account: locked, over: Taking()) }
        guard case .signing(_, let cause?) = error else { return XCTFail("\(String(describing: error))") }
        XCTAssertEqual(cause.underlying as? Locked, Locked(word: "not now"))
        for status in [403, -1, 70_000] {
            let odd = await failure {
                try await recorder.enrol(
                    account: try HostKey(), over: Answering { _ in Answer(status: status, body: Data("no".utf8)) })
            }
            guard case .unexpectedAnswer = odd else { return XCTFail("\(String(describing: odd))") }
        }
        let refused = await failure {
            let problem = #"{"code":"device_limit","detail":"too many"}"#
            try await recorder.enrol(
                account: try HostKey(), over: Answering { _ in Answer(status: 409, body: Data(problem.utf8)) })
        }
        XCTAssertEqual(refused, .refused(code: "device_limit", detail: "too many"))
    }

    func testARecoveryCodeIsReadAgainAndGivesTheSameKey() throws {
        let code = try RecoveryCode()
        XCTAssertEqual(code.groups.count, 10)
        let typed = try RecoveryCode(code.groups.joined(separator: "-").lowercased())
        XCTAssertEqual(typed.text, code.text)
        XCTAssertEqual(typed.accountSigner.publicKey, code.accountSigner.publicKey)
        XCTAssertNotEqual(try RecoveryCode().text, code.text)
    }
}
