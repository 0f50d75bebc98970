#if canImport(CryptoKit) && canImport(Security)
import CryptoKit
import Foundation
import Security

/// A key that never leaves the Secure Enclave: ECDSA on P-256. It signs from the first unlock after a
/// start on.
public struct SecureEnclaveSigner: Signer {
    // The enclave's own sealed form of the key: of no use on another device.
    private let sealedKey: Data

    public let publicKey: Data

    /// The key of a name: the one that `store` keeps, or a new one, which it keeps from now on.
    ///
    /// - Throws: what the enclave or the store throws; ``isAvailable`` says whether there is one.
    public init(named name: String, in store: any SecretStore) throws {
        self.init(
            try KeyMaking.alone {
                if let kept = try store.secret(named: name) {
                    return try SecureEnclave.P256.Signing.PrivateKey(dataRepresentation: kept)
                }
                let new = try SecureEnclave.P256.Signing.PrivateKey(accessControl: Self.accessControl())
                try store.keep(new.dataRepresentation, named: name)
                return new
            })
    }

    private init(_ key: SecureEnclave.P256.Signing.PrivateKey) {
        sealedKey = key.dataRepresentation
        publicKey = Self.compressed(key.publicKey.x963Representation)
    }

    /// Whether this device has a Secure Enclave; simulators have none.
    public static var isAvailable: Bool { SecureEnclave.isAvailable }

    public var algorithm: KeyAlgorithm { .es256 }

    public func sign(_ message: Data, for purpose: SignPurpose) throws -> Data {
        let key = try SecureEnclave.P256.Signing.PrivateKey(dataRepresentation: sealedKey)
        return try key.signature(for: message).derRepresentation
    }

    /// Usable in the background, without a prompt.
    private static func accessControl() throws -> SecAccessControl {
        var failure: Unmanaged<CFError>?
        let access = SecAccessControlCreateWithFlags(
            nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, .privateKeyUsage, &failure)
        if let access { return access }
        if let failure { throw failure.takeRetainedValue() as any Error }
        throw KeychainError(status: errSecParam)
    }

    /// SEC 1's compressed form of a point, from the 65 bytes of the uncompressed one.
    static func compressed(_ point: Data) -> Data {
        let point = [UInt8](point)
        return Data([2 + (point[64] & 1)] + point[1...32])
    }
}

/// This phone's key: in the Secure Enclave where there is one, else in memory of a seed in the store. It
/// stays what it was when it was made.
public func deviceSigner(named name: String, in store: any SecretStore) throws -> any Signer {
    let seed = name + ".seed"
    let enclave = name + ".enclave"
    return try KeyMaking.alone {
        let isInEnclave = try SecureEnclaveSigner.isAvailable || store.secret(named: enclave) != nil
        if try isInEnclave && store.secret(named: seed) == nil {
            return try SecureEnclaveSigner(named: enclave, in: store)
        }
        return try SoftwareSigner(seed: store.secret(named: seed, orNewOf: 32))
    }
}
#endif
