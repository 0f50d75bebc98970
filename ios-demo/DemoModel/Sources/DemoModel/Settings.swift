import Foundation

/// What the app remembers, and nobody minds being read: no place, no key.
public struct Settings: Codable, Equatable, Sendable {
    /// Where contributions go.
    public var server: ServerAddress?
    /// The network of that server.
    public var network: Network?
    /// What the driver agreed to.
    public var agreement: Agreement?
    /// Whether that server knows this phone.
    public var isEnrolled = false
    /// Whether the driver wants everything gone, and the server has not confirmed it.
    public var isErasing = false
    /// Whether the driver has withdrawn, and what was open is not forgotten on disk yet.
    public var isWithdrawing = false
    /// Whether trips begin and end by what the phone notices.
    public var automaticTrips = false
    /// Whether uploads wait for a Wi-Fi.
    public var wifiOnly = false

    /// What a new app has.
    public init() {}

    /// Whether the driver agreed to what ``Consent`` says now.
    var hasAgreed: Bool { agreement?.version == Consent.version }

    /// What an earlier version of the app did not know is as in a new one.
    public init(from decoder: any Decoder) throws {
        let kept = try decoder.container(keyedBy: CodingKeys.self)
        server = try kept.decodeIfPresent(ServerAddress.self, forKey: .server)
        network = try kept.decodeIfPresent(Network.self, forKey: .network)
        agreement = try kept.decodeIfPresent(Agreement.self, forKey: .agreement)
        let flag = { try kept.decodeIfPresent(Bool.self, forKey: $0) ?? false }
        isEnrolled = try flag(.isEnrolled)
        isErasing = try flag(.isErasing)
        isWithdrawing = try flag(.isWithdrawing)
        automaticTrips = try flag(.automaticTrips)
        wifiOnly = try flag(.wifiOnly)
    }

    /// What a driver agreed to.
    public struct Agreement: Codable, Equatable, Sendable {
        /// ``Consent/version`` of the text.
        public let version: Int
        /// When.
        public let date: Date
    }
}

/// Settings in a file. It can be read from the first unlock after a start on, not before.
struct SettingsFile: Sendable {
    let file: URL

    /// What was saved, or what a new app has.
    ///
    /// - Throws: what reading throws; a file of another form counts as none.
    func load() throws -> Settings {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch CocoaError.fileReadNoSuchFile {
            return Settings()
        }
        return (try? JSONDecoder().decode(Settings.self, from: data)) ?? Settings()
    }

    func save(_ settings: Settings) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try JSONEncoder().encode(settings).write(to: file, options: .atomic)
    }

    func remove() throws {
        try FileManager.default.removeItem(at: file)
    }
}
