import Foundation
import XCTest

@testable import Hexmile

/// Where a key or a store was asked.
private final class Asked: Sendable {
    private let threads = Guarded<Set<UInt>>([])

    var all: Set<UInt> { threads.use { $0 } }

    func here() {
        threads.use { _ = $0.insert(Self.current) }
    }

    static var current: UInt { UInt(bitPattern: pthread_self().hashValue) }
}

/// A key that says where it was asked, and throws where it is told to.
private struct WatchedKey: Signer {
    struct Locked: Error, Equatable {
        let word: String
    }

    let key: SoftwareSigner
    let asked = Asked()
    var word: String?

    var algorithm: KeyAlgorithm { .ed25519 }
    var publicKey: Data { key.publicKey }

    func sign(_ message: Data, for purpose: SignPurpose) throws -> Data {
        asked.here()
        if let word { throw Locked(word: word) }
        return try key.sign(message, for: purpose)
    }
}

/// A store that says where it was asked.
private struct WatchedSecrets: SecretStore {
    let secrets = MemorySecrets()
    let asked: Asked

    func secret(named name: String) throws -> Data? {
        asked.here()
        return secrets.secret(named: name)
    }

    func keep(_ secret: Data, named name: String) throws {
        asked.here()
        secrets.keep(secret, named: name)
    }

    func forget(named name: String) throws {
        asked.here()
        secrets.forget(named: name)
    }
}

final class ThreadTests: FolderTest {
    /// The library writes on a thread of its own, which never comes into the app.
    func testTheAppIsAskedOnTheThreadThatCalls() async throws {
        let key = try WatchedKey(key: SoftwareSigner(seed: seed(5)))
        let secrets = WatchedSecrets(asked: key.asked)
        let config = config()
        let clock = clock
        let mine = Guarded<UInt?>(nil)
        try onAThreadOfItsOwn {
            mine.use { $0 = Asked.current }
            let recorder = try Recorder(config, device: key, secrets: secrets, clock: { clock.now })
            try recorder.trip(clock)
            try recorder.erase(account: key)
            try recorder.close()
        }
        XCTAssertEqual(key.asked.all, try [XCTUnwrap(mine.use { $0 })])
    }

    /// The failures of several threads at once do not meet.
    func testEachThreadGetsWhatItsOwnKeyThrew() throws {
        let recorders = try (0..<8).map { thread in
            try Recorder(
                RecorderConfig(journal: folder.appendingPathComponent("\(thread)"), network: "test"),
                device: SoftwareSigner(seed: seed(5)), secrets: secrets)
        }
        let causes = Guarded<[Int: Set<String>]>([:])
        let key = try SoftwareSigner(seed: seed(6))
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for n in 0..<50 {
                do {
                    try recorders[thread].erase(account: WatchedKey(key: key, word: "\(thread)/\(n)"))
                } catch HexmileError.signing(_, let cause) {
                    let word = (cause?.underlying as? WatchedKey.Locked)?.word
                    causes.use { _ = $0[thread, default: []].insert(word ?? "none") }
                } catch {
                    causes.use { _ = $0[thread, default: []].insert("\(error)") }
                }
            }
        }
        for thread in 0..<8 {
            XCTAssertEqual(causes.use { $0[thread] }, Set((0..<50).map { "\(thread)/\($0)" }))
        }
    }

    /// A thread that neither Foundation nor Swift's tasks know.
    private func onAThreadOfItsOwn(_ body: @escaping @Sendable () throws -> Void) throws {
        let result = Guarded<Result<Void, any Error>?>(nil)
        let work = Unmanaged.passRetained(Work { result.use { $0 = Result(catching: body) } })
        #if os(Linux)
        var thread = pthread_t()
        #else
        var thread: pthread_t?
        #endif
        let begun = pthread_create(
            &thread, nil,
            { work in
                #if os(Linux)
                let held = work
                #else
                let held: UnsafeMutableRawPointer? = work
                #endif
                held.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            }, work.toOpaque())
        XCTAssertEqual(begun, 0)
        #if os(Linux)
        pthread_join(thread, nil)
        #else
        thread.map { _ = pthread_join($0, nil) }
        #endif
        try XCTUnwrap(result.use { $0 }).get()
    }
}

private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
