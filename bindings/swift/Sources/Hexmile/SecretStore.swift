import Foundation
import HexmileFFI

/// Where an app keeps its secrets: the seed of a key, the secret of its zones, and a recorder the key of
/// each trip, under which what is held back at its end waits on disk. The platform's key store, or what an
/// app brings: on this device alone, out of backups, and readable in the background once the phone was
/// unlocked.
///
/// A recorder's names are of lower-case letters, digits and hyphens, at most 64. Called from any thread
/// that calls a ``Recorder``; a store that throws never stops a trip. One that calls a recorder meanwhile
/// gets ``HexmileError/calledFromWithin``. Where it throws ``SecretsLocked``, it is asked again later.
public protocol SecretStore: Sendable {
    /// The secret of a name, or `nil` where none is kept.
    func secret(named name: String) throws -> Data?

    /// Keeps a secret, in place of one of the same name. It can be read again after a crash when this
    /// returns.
    func keep(_ secret: Data, named name: String) throws

    /// Forgets a secret for good; none is no error.
    func forget(named name: String) throws
}

/// A ``SecretStore`` throws it while the phone was not unlocked since it was started.
public struct SecretsLocked: Error, Equatable, Sendable {
    /// The error.
    public init() {}
}

extension SecretStore {
    /// The secret of a name: the one that is kept, or a new one, which is kept from now on.
    ///
    /// - Parameters:
    ///   - name: the app's word for it.
    ///   - count: bytes of a new one.
    public func secret(named name: String, orNewOf count: Int) throws -> Data {
        try KeyMaking.alone {
            if let kept = try secret(named: name) { return kept }
            let new = Data.secret(count: count)
            try keep(new, named: name)
            return new
        }
    }
}

/// Who finds no key and makes one is alone until it is kept: else two would use two, and one be lost.
enum KeyMaking {
    // One key's making may ask for another.
    private static let lock = NSRecursiveLock()

    static func alone<T>(_ body: () throws -> T) rethrows -> T {
        try lock.withLock(body)
    }
}

extension Data {
    /// Bytes that nobody can guess, of the platform's generator for secrets.
    static func secret(count: Int) -> Data {
        var generator = SystemRandomNumberGenerator()
        return Data((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
}

/// An app's store as the library calls it: nothing but `SecretFailure` leaves it.
final class SecretsBridge: HexmileFFI.HostSecrets {
    /// Bytes of a trip's key.
    private static let keyLength = 32

    private let store: any SecretStore

    init(_ store: any SecretStore) {
        self.store = store
    }

    func create(name: String) throws -> Data {
        let key = Data.secret(count: Self.keyLength)
        try asking { try store.keep(key, named: name) }
        return key
    }

    func read(name: String) throws -> Data? {
        try asking { try store.secret(named: name) }
    }

    func destroy(name: String) throws {
        try asking { try store.forget(named: name) }
    }

    private func asking<T>(_ call: () throws -> T) throws -> T {
        HostThread.secrets.failure = nil
        do {
            return try HostThread.within(call)
        } catch {
            HostThread.secrets.failure = HostFailure(underlying: error)
            if error is SecretsLocked { throw SecretFailure.Locked }
            throw SecretFailure.Failed(reason: String(describing: error))
        }
    }
}
