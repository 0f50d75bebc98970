import Foundation
import Hexmile
import Observation

/// The app: which step the driver is at, and the way from one to the next.
@MainActor
@Observable
public final class AppModel {
    /// Steps, each with a screen.
    public enum Phase: Equatable, Sendable {
        /// Nothing is known yet.
        case starting
        /// The phone was not unlocked since it was started: ``open()`` once it is.
        case locked
        /// Where contributions go is not set.
        case needsServer
        /// The driver has not agreed.
        case needsConsent
        /// The driver can record.
        case ready
        /// The phone has forgotten everything, and the server has not said that it has.
        case erasing
        /// Nothing is left.
        case erased
    }

    /// The step.
    public private(set) var phase = Phase.starting
    /// What the app remembers.
    public private(set) var settings = Settings()
    /// Recording, where the driver has agreed.
    public private(set) var driver: DriverModel?
    /// What went wrong last, in words.
    public private(set) var problem: String?
    /// Whether something is under way that the driver waits for.
    public private(set) var isBusy = false

    @ObservationIgnored private let phone: Phone
    @ObservationIgnored private let makeSensors: MakeSensors
    @ObservationIgnored private let file: SettingsFile
    @ObservationIgnored private var opening: Task<Void, Never>?

    /// The app on a phone.
    public init(phone: Phone, sensors: @escaping MakeSensors) {
        self.phone = phone
        makeSensors = sensors
        file = SettingsFile(file: phone.folder.appendingPathComponent("settings.json"))
    }

    /// Goes on where the app was. Called at every launch, also where the system launched it for a location,
    /// and once the phone is unlocked.
    public func open() async {
        guard phase == .starting || phase == .locked else { return }
        // The screen and the system may both call for it.
        let opening = opening ?? Task { await goOn() }
        self.opening = opening
        await opening.value
        self.opening = nil
    }

    /// Sets where contributions go, once the server there has answered. What waits for another server
    /// waits on, until that one is set again.
    public func setServer(_ text: String) async {
        await attempt {
            let server = try ServerAddress(text)
            let network = try await Network(asking: phone.transport(server.url))
            await leaveDriver()
            try change {
                $0.isEnrolled = $0.isEnrolled && $0.network == network && $0.server == server
                // Agreed was to another server's keeping.
                if $0.network != network { $0.agreement = nil }
                ($0.server, $0.network) = (server, network)
            }
            if settings.agreement == nil { phase = .needsConsent } else { try await begin() }
        }
    }

    /// The driver agrees to ``Consent/points``.
    public func agree() async {
        await attempt {
            try change { $0.agreement = .init(version: Consent.version, date: phone.clock()) }
            try await begin()
        }
    }

    /// The driver withdraws: recording stops, whatever goes wrong.
    public func withdraw() async {
        await attempt {
            try change { $0.agreement = nil }
            phase = .needsConsent
            guard let recorder = driver?.recorder else { return }
            do {
                try await Work.run { try recorder.withdrawConsent() }
            } catch {
                await closeDriver()
                throw error
            }
            await closeDriver()
        }
    }

    /// Whether trips begin and end by themselves; it ends a trip under way.
    public func setAutomaticTrips(_ automatic: Bool) async {
        guard automatic != settings.automaticTrips else { return }
        await attempt {
            try change { $0.automaticTrips = automatic }
            if driver == nil { return }
            await leaveDriver()
            try await begin()
        }
    }

    /// Whether uploads wait for a Wi-Fi.
    public func setWifiOnly(_ wifiOnly: Bool) async {
        await attempt {
            try change { $0.wifiOnly = wifiOnly }
            guard let recorder = driver?.recorder else { return }
            let rules = settings.uploadRules
            try await Work.run { try recorder.setUploadRules(rules) }
        }
    }

    /// The driver wants everything gone, here and at the server, and has confirmed it. Also to ask again,
    /// where the server refused.
    public func erase() async {
        await attempt {
            try change {
                $0.agreement = nil
                $0.isEnrolled = false
                $0.isErasing = true
            }
            try await askToErase()
        }
    }

    /// What was erased was read: the app is as new.
    public func startAnew() {
        if phase == .erased { phase = .needsConsent }
    }

    /// The recorder that a task of the system's may drain; `nil` where there is nothing to deliver.
    public func recorderToDrain() async -> Recorder? {
        await open()
        return settings.isEnrolled || settings.isErasing ? driver?.recorder : nil
    }

    /// Lets go of everything.
    public func close() async {
        await closeDriver()
        phase = .starting
    }

    private func goOn() async {
        do {
            settings = try file.load()
        } catch {
            phase = .locked
            return
        }
        await attempt {
            if settings.server == nil || settings.network == nil {
                phase = .needsServer
            } else if settings.isErasing {
                try await askToErase()
            } else if settings.agreement?.version == Consent.version {
                try await begin()
            } else {
                phase = .needsConsent
            }
        }
        // What says who the driver is cannot be read yet: nothing is wrong.
        if phase == .starting { phase = .locked }
    }

    private func begin() async throws {
        let driver = try await openDriver()
        do {
            try await driver.work(isEnrolled: settings.isEnrolled) { [weak self] in
                try? self?.change { $0.isEnrolled = true }
            }
        } catch {
            await closeDriver()
            throw error
        }
        phase = .ready
    }

    private func closeDriver() async {
        let driver = driver
        self.driver = nil
        await driver?.close()
    }

    /// Ends a trip under way, too.
    private func leaveDriver() async {
        if let driver, driver.status.recording { await driver.stopTrip() }
        await closeDriver()
    }

    /// The server answers a second request of an account that is gone as it did the first, so that an app
    /// that died in between may ask again.
    private func askToErase() async throws {
        phase = .erasing
        let driver = if let driver { driver } else { try await openDriver() }
        try await driver.erase { [weak self] refusal in
            if let refusal {
                self?.problem = "The server did not erase the account (\(refusal)). You may ask again."
            } else {
                Task { await self?.forget() }
            }
        }
    }

    private func openDriver() async throws -> DriverModel {
        guard let server = settings.server, let network = settings.network else {
            throw ServerAddress.Fault.empty
        }
        let opened = try await Work.run { [phone, settings] in
            try OpenedRecorder(phone, settings, server: server, network: network)
        }
        let driver = DriverModel(opened, sensors: makeSensors)
        self.driver = driver
        return driver
    }

    /// The server holds nothing any more: nor does the phone, but for the server's address.
    private func forget() async {
        guard phase == .erasing else { return }
        await attempt {
            await closeDriver()
            try await Work.run { [phone] in
                try Keys(secrets: phone.secrets).forgetAll()
                let journals = OpenedRecorder.journals(in: phone.folder)
                if FileManager.default.fileExists(atPath: journals.path) {
                    try FileManager.default.removeItem(at: journals)
                }
            }
            try change {
                let (server, network) = ($0.server, $0.network)
                $0 = Settings()
                ($0.server, $0.network) = (server, network)
            }
            phase = .erased
        }
    }

    private func change(_ edit: (inout Settings) -> Void) throws {
        var changed = settings
        edit(&changed)
        try file.save(changed)
        settings = changed
    }

    private func attempt(_ work: () async throws -> Void) async {
        isBusy = true
        defer { isBusy = false }
        do {
            try await work()
            problem = nil
        } catch {
            problem = Words.error(error)
        }
    }
}
