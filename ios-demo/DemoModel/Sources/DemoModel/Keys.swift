import Foundation
import Hexmile

/// The app's secrets by name.
struct Keys: Sendable {
    /// This phone's key, for ``deviceSigner(named:in:)``.
    static let device = "device"
    private static let account = "account.code"
    private static let zoneSecret = "zones.secret"
    private static let zones = "zones.list"
    private static let all = [
        account, zoneSecret, zones, device, "\(device).seed", "\(device).enclave",
    ]

    let secrets: any SecretStore

    /// The account's key; a new account's at first.
    func accountSigner() throws -> SoftwareSigner {
        if let kept = try secrets.secret(named: Self.account) {
            return try RecoveryCode(String(decoding: kept, as: UTF8.self)).accountSigner
        }
        let code = try RecoveryCode()
        try secrets.keep(Data(code.text.utf8), named: Self.account)
        return code.accountSigner
    }

    /// Decides where the zones around places lie.
    func zonesSecret() throws -> Data {
        try secrets.secret(named: Self.zoneSecret, orNewOf: 32)
    }

    func privatePlaces() throws -> [PrivatePlace] {
        guard let kept = try secrets.secret(named: Self.zones) else { return [] }
        return try JSONDecoder().decode([PrivatePlace].self, from: kept)
    }

    func keep(_ places: [PrivatePlace]) throws {
        try secrets.keep(JSONEncoder().encode(places), named: Self.zones)
    }

    /// Forgets everything: the next account has nothing to do with this one.
    func forgetAll() throws {
        for name in Self.all { try secrets.forget(named: name) }
    }
}
