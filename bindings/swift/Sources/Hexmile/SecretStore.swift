import Foundation

/// Where an app keeps its secrets: the seed of a key, the secret of its zones. The platform's key store,
/// or what an app brings.
public protocol SecretStore: Sendable {
    /// The secret of a name, or `nil` where none is kept.
    func secret(named name: String) throws -> Data?

    /// Keeps a secret, in place of one of the same name.
    func keep(_ secret: Data, named name: String) throws

    /// Forgets a secret; none is no error.
    func forget(named name: String) throws
}

extension SecretStore {
    /// The secret of a name: the one that is kept, or a new one, which is kept from now on.
    ///
    /// - Parameters:
    ///   - name: the app's word for it.
    ///   - count: bytes of a new one.
    public func secret(named name: String, orNewOf count: Int) throws -> Data {
        if let kept = try secret(named: name) { return kept }
        let new = Data.secret(count: count)
        try keep(new, named: name)
        return new
    }
}

extension Data {
    /// Bytes that nobody can guess, of the platform's generator for secrets.
    static func secret(count: Int) -> Data {
        var generator = SystemRandomNumberGenerator()
        return Data((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
}
