import Foundation
import HexmileFFI

/// What a signature is for; told for the key store's own records.
public enum SignPurpose: Sendable {
    /// A trace.
    case trace
    /// Opening an account.
    case account
    /// Adding a device.
    case device
    /// Inviting a device.
    case invitation
    /// A request for the account's own data, or to erase it.
    case request
}

/// What a key signs with.
public enum KeyAlgorithm: Sendable {
    /// Ed25519.
    case ed25519
    /// ECDSA on P-256 with SHA-256, for key stores in hardware.
    case es256
}

/// A key, held by the platform's key store or in memory (``SoftwareSigner``).
///
/// Called from any thread that calls a ``Recorder``. What ``sign(_:for:)`` throws comes out of the
/// recorder's call as the cause of a ``HexmileError/signing(_:cause:)``; nothing recorded is lost by it.
/// A key that calls a recorder while it signs gets ``HexmileError/calledFromWithin``.
public protocol Signer: Sendable {
    /// What it signs with; the same for as long as it lives.
    var algorithm: KeyAlgorithm { get }

    /// The public key: 32 bytes, or for ES256 33, the point in its compressed form.
    var publicKey: Data { get throws }

    /// Signs exactly these bytes; the purpose is in them already. 64 bytes of signature, or for ES256
    /// DER as key stores give it.
    func sign(_ message: Data, for purpose: SignPurpose) throws -> Data
}

/// A key in memory.
public final class SoftwareSigner: Signer {
    private let key: any HexmileFFI.HostSigner

    /// The Ed25519 key of a secret seed that the app keeps: 32 bytes that nobody can guess.
    ///
    /// - Throws: ``HexmileError/argument(_:)`` where the seed has another length.
    public init(seed: Data) throws {
        key = try calling { try softwareSigner(seed: seed) }
    }

    init(native key: any HexmileFFI.HostSigner) {
        self.key = key
    }

    public var algorithm: KeyAlgorithm { .ed25519 }

    public var publicKey: Data { key.publicKey() }

    public func sign(_ message: Data, for purpose: SignPurpose) throws -> Data {
        try calling { try key.sign(purpose: purpose.native, message: message) }
    }

    fileprivate var native: any HexmileFFI.HostSigner { key }
}

/// A host's signer as the library calls it: nothing but `SignFailure` leaves it.
final class SignerBridge: HexmileFFI.HostSigner {
    private let signer: any Signer
    // Asked once, and outside of the library, so that what it throws reaches the caller as it is.
    private let key: Data

    private init(_ signer: any Signer) throws {
        self.signer = signer
        key = try signer.publicKey
    }

    /// A signer as the library takes it.
    static func native(_ signer: any Signer) throws -> any HexmileFFI.HostSigner {
        // A key of the library's own needs no way around.
        if let software = signer as? SoftwareSigner { return software.native }
        return try SignerBridge(signer)
    }

    func algorithm() -> HexmileFFI.KeyAlgorithm {
        switch signer.algorithm {
        case .ed25519: return .ed25519
        case .es256: return .es256
        }
    }

    func publicKey() -> Data { key }

    func sign(purpose: HexmileFFI.SignPurpose, message: Data) throws -> Data {
        HostThread.key.failure = nil
        do {
            let purpose = SignPurpose(native: purpose)
            return try HostThread.within { try signer.sign(message, for: purpose) }
        } catch {
            HostThread.key.failure = HostFailure(underlying: error)
            throw SignFailure.KeyStore(reason: String(describing: error))
        }
    }
}

extension SignPurpose {
    fileprivate init(native: HexmileFFI.SignPurpose) {
        switch native {
        case .trace: self = .trace
        case .account: self = .account
        case .device: self = .device
        case .invitation: self = .invitation
        case .request: self = .request
        }
    }

    fileprivate var native: HexmileFFI.SignPurpose {
        switch self {
        case .trace: return .trace
        case .account: return .account
        case .device: return .device
        case .invitation: return .invitation
        case .request: return .request
        }
    }
}
