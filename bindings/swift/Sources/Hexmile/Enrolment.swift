import Foundation
import HexmileFFI

/// What a platform says of the device's key.
public struct Attestation: Equatable, Sendable {
    /// Name of its format, such as `apple-appattest`.
    public let format: String
    /// Its bytes as the platform gave them, at most 8192.
    public let object: Data

    /// An attestation.
    public init(format: String, object: Data) {
        self.format = format
        self.object = object
    }
}

/// Has the platform attest this device's key over a challenge of 32 bytes.
public typealias Attest = @Sendable (_ challenge: Data) async throws -> Attestation

/// Lets one more device join the account.
public struct Invitation: Equatable, Sendable {
    /// What to show, as text or as a QR code.
    public let text: String
    /// Until when it serves, by the server's clock.
    public let expires: Date
}

/// An account as the server knows it.
public struct AccountOverview: Equatable, Sendable {
    /// Which, hexadecimal.
    public let accountID: String
    /// By the server's clock.
    public let opened: Date
    /// Those that were signed out included.
    public let devices: [KnownDevice]
}

/// A device of an account.
public struct KnownDevice: Equatable, Sendable {
    /// Which, hexadecimal.
    public let deviceID: String
    /// By the server's clock.
    public let added: Date
    /// When it was signed out, by the server's clock.
    public let revoked: Date?
}

/// What a driver writes down, so that the account outlives every phone; the account's key follows from
/// it.
public struct RecoveryCode: Sendable {
    private let native: HexmileFFI.RecoveryCode

    /// A new code.
    ///
    /// - Throws: ``HexmileError/libraryMismatch(_:)``.
    public init() throws {
        native = try calling { try .ofRandom(random: Data.secret(count: 16)) }
    }

    /// The code that a driver typed, in small letters or capitals, with spaces and hyphens or without.
    ///
    /// - Throws: ``HexmileError/argument(_:)`` where it is none.
    public init(_ text: String) throws {
        native = try calling { try .read(text: text) }
    }

    /// The code to be written down, in ten groups of four.
    public var groups: [String] { native.groups() }

    /// The code in one piece, 40 characters.
    public var text: String { native.text() }

    /// The account's key.
    public var accountSigner: SoftwareSigner { SoftwareSigner(native: native.accountSigner()) }
}

/// Joining, a second phone, and the account's own data. What a transport or a platform's attestation
/// throws comes out as it is.
extension Recorder {
    /// Which device this is, hexadecimal.
    public var deviceID: String {
        get throws { try open.call { $0.deviceId() } }
    }

    /// Opens the account of a key, or finds it, and adds this device to it. It may be repeated.
    ///
    /// - Throws: ``HexmileError/refused(code:detail:)``, ``HexmileError/unexpectedAnswer(status:)`` and
    ///   ``HexmileError/signing(_:cause:)``.
    public func enrol(
        account: any Signer, over transport: any Transport, attest: Attest? = nil
    ) async throws {
        let key = try SignerBridge.native(account)
        let opened = try await openAccount(key, over: transport)
        var attestation: HexmileFFI.Attestation?
        if let attest {
            let challenge = try open.call {
                try $0.attestationChallenge(account: key, status: opened.statusCode, answer: opened.body)
            }
            attestation = try await attest(challenge).native
        }
        let request = try open.call {
            try $0.addDevice(
                account: key, status: opened.statusCode, answer: opened.body, attestation: attestation)
        }
        let added = try await transport.send(Request(native: request))
        try open.call { try $0.deviceAdded(status: added.statusCode, answer: added.body) }
    }

    /// Invites another device to the account of a key.
    ///
    /// - Throws: as ``enrol(account:over:attest:)``.
    public func invite(account: any Signer, over transport: any Transport) async throws -> Invitation {
        let key = try SignerBridge.native(account)
        let opened = try await openAccount(key, over: transport)
        let invitation = try open.call {
            try $0.invite(account: key, status: opened.statusCode, answer: opened.body)
        }
        return Invitation(text: invitation.text, expires: Date(unixMs: invitation.expiresAtMs))
    }

    /// Adds this device to the account that an ``Invitation``'s text names.
    ///
    /// - Throws: as ``enrol(account:over:attest:)``, and ``HexmileError/argument(_:)`` where the text is
    ///   no invitation to this network.
    public func join(
        invitation: String, over transport: any Transport, attest: Attest? = nil
    ) async throws {
        var attestation: HexmileFFI.Attestation?
        if let attest {
            let challenge = try open.call {
                try $0.invitedAttestationChallenge(invitation: invitation)
            }
            attestation = try await attest(challenge).native
        }
        let request = try open.call {
            try $0.join(invitation: invitation, attestation: attestation)
        }
        let added = try await transport.send(Request(native: request))
        try open.call { try $0.deviceAdded(status: added.statusCode, answer: added.body) }
    }

    /// The account and its devices, as the server knows them.
    ///
    /// - Parameters:
    ///   - transport: to the server.
    ///   - account: the key that signs the request, or `nil` for this device's.
    /// - Throws: as ``enrol(account:over:attest:)``.
    public func overview(
        over transport: any Transport, account: (any Signer)? = nil
    ) async throws -> AccountOverview {
        let key = try account.map(SignerBridge.native)
        let request = try open.call { try $0.overviewRequest(account: key, nowMs: now.clockMs) }
        let answer = try await transport.send(Request(native: request))
        let overview = try open.call {
            try $0.overview(status: answer.statusCode, answer: answer.body)
        }
        return AccountOverview(
            accountID: overview.accountId, opened: Date(unixMs: overview.openedAtMs),
            devices: overview.devices.map(KnownDevice.init(native:)))
    }

    /// Signs a device out of its account for ever. The account's key signs any out, this device's only
    /// itself.
    ///
    /// - Throws: as ``enrol(account:over:attest:)``.
    @discardableResult
    public func signOut(
        deviceID: String, over transport: any Transport, account: (any Signer)? = nil
    ) async throws -> KnownDevice {
        let key = try account.map(SignerBridge.native)
        let request = try open.call {
            try $0.signOutRequest(account: key, deviceId: deviceID, nowMs: now.clockMs)
        }
        let answer = try await transport.send(Request(native: request))
        return KnownDevice(
            native: try open.call { try $0.signedOut(status: answer.statusCode, answer: answer.body) })
    }

    /// Everything that the server holds of the account, as JSON, to take away.
    ///
    /// - Parameters:
    ///   - transport: to the server.
    ///   - account: the key that signs the request, or `nil` for this device's.
    /// - Throws: as ``enrol(account:over:attest:)``.
    public func export(
        over transport: any Transport, account: (any Signer)? = nil
    ) async throws -> Data {
        let key = try account.map(SignerBridge.native)
        let request = try open.call { try $0.exportRequest(account: key, nowMs: now.clockMs) }
        let answer = try await transport.send(Request(native: request))
        if answer.status == 200 { return answer.body }
        guard let problem = try? JSONDecoder().decode(Problem.self, from: answer.body) else {
            throw HexmileError.unexpectedAnswer(status: answer.status)
        }
        throw HexmileError.refused(code: problem.code, detail: problem.detail)
    }

    private func openAccount(
        _ key: any HexmileFFI.HostSigner, over transport: any Transport
    ) async throws -> Answer {
        let request = try open.call { try $0.openAccount(account: key) }
        return try await transport.send(Request(native: request))
    }
}

/// RFC 9457's problem, as far as it is told on.
private struct Problem: Decodable {
    let code: String
    let detail: String
}

extension Attestation {
    fileprivate var native: HexmileFFI.Attestation {
        HexmileFFI.Attestation(format: format, object: object)
    }
}

extension KnownDevice {
    fileprivate init(native: HexmileFFI.KnownDevice) {
        self.init(
            deviceID: native.deviceId, added: Date(unixMs: native.addedAtMs),
            revoked: native.revokedAtMs.map(Date.init(unixMs:)))
    }
}
