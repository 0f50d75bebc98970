#if canImport(Security)
import Foundation
import Security

/// Secrets in the Keychain: readable from the first unlock after a start on, so that a drive in a pocket
/// goes on, and never on another device or in a backup.
public struct KeychainSecretStore: SecretStore {
    private let service: String

    /// The secrets of a service; an app has one.
    public init(service: String = "org.hexmile") {
        self.service = service
    }

    public func secret(named name: String) throws -> Data? {
        var query = item(name)
        query[kSecReturnData as String] = true
        query[kSecMatchLimit as String] = kSecMatchLimitOne
        var found: CFTypeRef?
        let status = SecItemCopyMatching(Self.dictionary(query), &found)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess, let secret = found as? Data else {
            throw KeychainError.of(status)
        }
        return secret
    }

    public func keep(_ secret: Data, named name: String) throws {
        let attributes: [String: Any] = [
            kSecValueData as String: secret,
            kSecAttrAccessible as String: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        let query = item(name)
        let update = { SecItemUpdate(Self.dictionary(query), Self.dictionary(attributes)) }
        var status = update()
        if status == errSecItemNotFound {
            let new = query.merging(attributes) { _, new in new }
            status = SecItemAdd(Self.dictionary(new), nil)
            // Somebody else was first.
            if status == errSecDuplicateItem { status = update() }
        }
        guard status == errSecSuccess else { throw KeychainError.of(status) }
    }

    public func forget(named name: String) throws {
        let status = SecItemDelete(Self.dictionary(item(name)))
        guard status == errSecSuccess || status == errSecItemNotFound else {
            throw KeychainError.of(status)
        }
    }

    private func item(_ name: String) -> [String: Any] {
        [
            kSecClass as String: kSecClassGenericPassword,
            kSecAttrService as String: service,
            kSecAttrAccount as String: name,
        ]
    }

    private static func dictionary(_ attributes: [String: Any]) -> CFDictionary {
        NSDictionary(dictionary: attributes) as CFDictionary
    }
}

/// The Keychain refused.
public struct KeychainError: Error, Equatable, Sendable {
    /// Its `OSStatus`, such as `errSecParam`.
    public let status: Int32

    /// What a status says; before the first unlock, that the store is locked.
    static func of(_ status: Int32) -> any Error {
        status == errSecInteractionNotAllowed ? SecretsLocked() : KeychainError(status: status)
    }
}
#endif
