import Foundation
import Hexmile

/// A recorder with what belongs to it.
struct OpenedRecorder: Sendable {
    let recorder: Recorder
    let account: SoftwareSigner
    let keys: Keys
    let transport: any Transport
    let attest: Attest?
    let automaticTrips: Bool

    /// Opens the recorder of a network. It blocks, and writes nothing but keys.
    ///
    /// - Throws: what the keys' store throws, and ``HexmileError``.
    init(_ phone: Phone, _ settings: Settings, server: ServerAddress, network: Network) throws {
        keys = Keys(secrets: phone.secrets)
        account = try keys.accountSigner()
        var config = RecorderConfig(
            journal: Self.journals(in: phone.folder).appendingPathComponent(network.id), network: network.name)
        config.serverKeys = [network.serverKey]
        config.followMotion = settings.automaticTrips
        recorder = try Recorder(
            config, device: phone.deviceKey(phone.secrets), secrets: phone.secrets, clock: phone.clock)
        transport = phone.transport(server.url)
        attest = phone.attest
        automaticTrips = settings.automaticTrips
        // Before the first fix: the places of a driver come from nowhere else.
        let places = try keys.privatePlaces()
        try recorder.setPrivacy(secret: keys.zonesSecret(), zones: places.map { .around($0.place) })
        try recorder.setUploadRules(settings.uploadRules)
        try recorder.setAccount(account)
    }

    /// Adds this phone to the account, attested where the platform can.
    func enrol() async throws {
        guard let attest else { return try await recorder.enrol(account: account, over: transport) }
        do {
            try await recorder.enrol(account: account, over: transport) { challenge in
                do {
                    return try await attest(challenge)
                } catch {
                    throw NotAttested()
                }
            }
        } catch is NotAttested {
            // A normal, lower state; the platform's service may be out of reach for long.
            try Task.checkCancellation()
            try await recorder.enrol(account: account, over: transport)
        }
    }

    /// Where every network's journal is.
    static func journals(in folder: URL) -> URL {
        folder.appendingPathComponent("journals")
    }

    private struct NotAttested: Error {}
}

extension Settings {
    /// What uploads may cost.
    var uploadRules: UploadRules {
        var rules = UploadRules(mode: .live)
        rules.wifiOnly = wifiOnly
        return rules
    }
}
