import Foundation

/// A server's address that may be used.
public struct ServerAddress: Codable, Equatable, Sendable {
    /// With its scheme and host, without a slash at the end.
    public let url: URL

    /// What a person typed; without a scheme, `https`.
    ///
    /// - Throws: ``Fault``.
    public init(_ text: String) throws {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if trimmed.isEmpty { throw Fault.empty }
        let written = trimmed.contains("://") ? trimmed : "https://" + trimmed
        guard var parts = URLComponents(string: written), let host = parts.host, !host.isEmpty else {
            throw Fault.unreadable
        }
        parts.scheme = parts.scheme?.lowercased()
        switch parts.scheme {
        case "https": break
        case "http": if !Self.isNear(host) { throw Fault.unencrypted }
        default: throw Fault.unreadable
        }
        if parts.user != nil || parts.password != nil { throw Fault.credentials }
        if parts.query != nil || parts.fragment != nil { throw Fault.query }
        while parts.path.hasSuffix("/") { parts.path.removeLast() }
        guard let url = parts.url else { throw Fault.unreadable }
        self.url = url
    }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(url.absoluteString)
    }

    /// The server's page with the live map.
    public var map: URL { url.appendingPathComponent("") }

    /// Why an address cannot be used.
    public enum Fault: Error, Equatable, Sendable {
        case empty, unreadable, unencrypted, credentials, query
    }

    /// Whether a host is this machine or one of its own network, for trying things out.
    private static func isNear(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" || host == "::1" || host == "[::1]" || host.hasSuffix(".local") { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard octets.count == 4, let first = octets[0], let second = octets[1],
            octets[2] != nil, octets[3] != nil
        else { return false }
        return first == 127 || first == 10 || (first == 192 && second == 168)
            || (first == 172 && (16...31).contains(second))
    }
}
