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
    public var isBusy: Bool { underWay > 0 }

    private var underWay = 0
    @ObservationIgnored private let phone: Phone
    @ObservationIgnored private let makeSensors: MakeSensors
    @ObservationIgnored private let file: SettingsFile
    /// What changes the phase or the recorder, one after the other.
    @ObservationIgnored private var turn: Task<Void, any Error>?

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
        await attempt { [self] in try await goOn() }
    }

    /// Sets where contributions go, once the server there has answered. What waits for another server
    /// waits on, until that one is set again.
    public func setServer(_ text: String) async {
        underWay += 1
        defer { underWay -= 1 }
        do {
            let server = try ServerAddress(text)
            // Out of turn: a withdrawal waits for no server.
            let network = try await Network(asking: phone.transport(server.url))
            await attempt { [self] in try await move(to: server, network) }
        } catch {
            problem = Words.error(error)
        }
    }

    /// The driver agrees to ``Consent/points``.
    public func agree() async {
        await attempt { [self] in
            guard phase == .needsConsent else { return }
            // Nothing of before a withdrawal belongs to what is agreed to now.
            try await finishWithdrawal()
            try change { $0.agreement = .init(version: Consent.version, date: phone.clock()) }
            try await begin()
        }
    }

    /// The driver withdraws: recording stops, whatever goes wrong.
    public func withdraw() async {
        // At once, whoever's turn it is.
        driver?.silence()
        await attempt { [self] in
            guard settings.hasAgreed else { return }
            let kept = Result { try insist { ($0.agreement, $0.isWithdrawing) = (nil, true) } }
            phase = .needsConsent
            phone.withdrawUploads()
            try await finishWithdrawal()
            try kept.get()
        }
    }

    /// Whether trips begin and end by themselves; it ends a trip under way.
    public func setAutomaticTrips(_ automatic: Bool) async {
        await attempt { [self] in
            guard automatic != settings.automaticTrips else { return }
            try change { $0.automaticTrips = automatic }
            guard phase == .ready else { return }
            await leaveDriver()
            try await begin()
        }
    }

    /// Whether uploads wait for a Wi-Fi.
    public func setWifiOnly(_ wifiOnly: Bool) async {
        await attempt { [self] in
            try change { $0.wifiOnly = wifiOnly }
            guard let recorder = driver?.recorder else { return }
            let rules = settings.uploadRules
            try await Work.run { try recorder.setUploadRules(rules) }
        }
    }

    /// The driver wants everything gone, here and at the server, and has confirmed it. Also to ask again,
    /// where the server refused.
    public func erase() async {
        driver?.silence()
        await attempt { [self] in
            guard settings.hasAgreed || phase == .needsConsent || phase == .erasing else { return }
            let kept = Result {
                try insist {
                    ($0.agreement, $0.isWithdrawing) = (nil, false)
                    ($0.isEnrolled, $0.isErasing) = (false, true)
                }
            }
            phase = .erasing
            phone.withdrawUploads()
            try await askToErase()
            try kept.get()
        }
    }

    /// What was erased was read: the app is as new.
    public func startAnew() {
        if phase == .erased { phase = .needsConsent }
    }

    /// The recorder that a task of the system's may drain; `nil` where there is nothing to deliver.
    public func recorderToDrain() async -> Recorder? {
        await open()
        return (phase == .ready && settings.isEnrolled) || phase == .erasing ? driver?.recorder : nil
    }

    /// Lets go of everything.
    public func close() async {
        await attempt { [self] in
            await closeDriver()
            phase = .starting
        }
    }

    private func goOn() async throws {
        guard phase == .starting || phase == .locked else { return }
        // Until what says who the driver is can be read, nothing is wrong.
        defer { if phase == .starting { phase = .locked } }
        guard let settings = try? file.load() else { return }
        self.settings = settings
        // What was written to be shared, by an app that died.
        ExportModel.discardAll()
        if settings.server == nil || settings.network == nil {
            phase = .needsServer
        } else if settings.isErasing {
            try await askToErase()
        } else if settings.hasAgreed {
            try await begin()
        } else {
            phase = .needsConsent
            try await finishWithdrawal()
        }
    }

    private func move(to server: ServerAddress, _ network: Network) async throws {
        guard [.needsServer, .needsConsent, .ready].contains(phase) else { return }
        try await finishWithdrawal()
        try change {
            $0.isEnrolled = $0.isEnrolled && $0.network == network && $0.server == server
            // Agreed was to another server's keeping.
            if $0.network != network { $0.agreement = nil }
            ($0.server, $0.network) = (server, network)
        }
        await leaveDriver()
        if settings.hasAgreed { try await begin() } else { phase = .needsConsent }
    }

    private func begin() async throws {
        let server = settings.server
        do {
            let driver = try await openDriver()
            try await driver.work(isEnrolled: settings.isEnrolled) { [weak self] in
                // It is told of the server that was asked.
                if self?.settings.server == server { try? self?.change { $0.isEnrolled = true } }
            }
        } catch {
            await closeDriver()
            // The app is opened anew, later.
            if phase == .ready { phase = .locked }
            throw error
        }
        phase = .ready
    }

    /// What was open when the driver withdrew is forgotten on disk, too, also where the app died before it
    /// was: else it would go on when somebody agrees.
    private func finishWithdrawal() async throws {
        guard settings.isWithdrawing else { return }
        let driver = if let driver { driver } else { try await openDriver() }
        do {
            try await driver.forgetOpen()
        } catch {
            await closeDriver()
            throw error
        }
        await closeDriver()
        try change { $0.isWithdrawing = false }
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
        let driver = if let driver { driver } else { try await openDriver() }
        phase = .erasing
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
        await attempt { [self] in
            guard phase == .erasing else { return }
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

    /// A decision that holds, also on a disk that is full: what cannot be written must not be read again as it
    /// was before.
    private func insist(_ edit: (inout Settings) -> Void) throws {
        edit(&settings)
        do {
            try file.save(settings)
        } catch {
            try file.remove()
        }
    }

    /// Runs `work` when what was asked for before is done: whoever looks at the phase or the recorder must
    /// find them the same after waiting for something.
    private func attempt(_ work: @escaping @MainActor () async throws -> Void) async {
        underWay += 1
        defer { underWay -= 1 }
        let mine = Task { [turn] in
            _ = await turn?.result
            problem = nil
            try await work()
        }
        turn = mine
        do {
            try await mine.value
        } catch {
            problem = Words.error(error)
        }
    }
}
