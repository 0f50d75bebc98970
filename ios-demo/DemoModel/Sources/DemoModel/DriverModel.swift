import Foundation
import Hexmile
import Observation

/// One driver's recording: what the screens show of it, and what they can do.
@MainActor
@Observable
public final class DriverModel {
    /// Where things stand.
    public private(set) var status = Status()
    /// The newest fix of the trip under way.
    public private(set) var fix: Fix?
    /// What the server's rules said, newest first.
    public private(set) var verdicts: [Verdict] = []
    /// What was credited, as the server last told.
    public private(set) var earnings: Earnings?
    /// What went wrong last, in words, until it was read; the app goes on.
    public private(set) var trouble: String?

    /// Private places.
    public let zones: ZonesModel
    /// What the driver takes away.
    public let export: ExportModel
    /// For tasks that the system wakes.
    public let recorder: Recorder

    @ObservationIgnored private let opened: OpenedRecorder
    @ObservationIgnored private let sensors: any Sensors
    @ObservationIgnored private var tasks: [Task<Void, Never>] = []
    /// Whether the sensors were told of a trip.
    @ObservationIgnored private var isSensing = false
    /// Whether this driver's recording is over, for good.
    @ObservationIgnored private var isSilent = false

    init(_ opened: OpenedRecorder, sensors: MakeSensors) {
        self.opened = opened
        recorder = opened.recorder
        zones = ZonesModel(recorder: opened.recorder, keys: opened.keys)
        export = ExportModel(opened)
        let (troubles, told) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(1))
        self.sensors = sensors(opened.recorder) { told.yield(Words.error($0)) }
        listen(to: troubles) { $0.trouble = $1 }
    }

    /// Whether a trip may be begun or ended by hand.
    public var startsByHand: Bool { !opened.automaticTrips }

    /// Kilometres of the trip under way.
    public var distanceKm: Double { Double(status.trip?.distanceM ?? 0) / 1000 }

    /// Where the contributions are.
    public var uploads: UploadState { UploadState(status) }

    /// A trip begins.
    public func startTrip() async {
        await attempt { recorder in try recorder.startTrip() }
        sense()
    }

    /// It ends.
    public func stopTrip() async {
        await attempt { recorder in try recorder.stopTrip() }
        sense()
        fix = nil
    }

    /// What went wrong was read.
    public func dismissTrouble() {
        trouble = nil
    }

    /// The driver has agreed: records, joins the account where that was not done, and delivers.
    ///
    /// - Parameter enrolled: called once the server knows this phone, or at once where it does already.
    func work(isEnrolled: Bool, enrolled: @escaping @MainActor () -> Void) async throws {
        // Whoever listens late misses what a trip that goes on asks for.
        watch()
        if !isSilent { sensors.open(automaticTrips: opened.automaticTrips) }
        try await Work.run { [recorder] in try recorder.grantConsent() }
        await refresh()
        let transport = Transfer(opened.transport, mayUpload: isEnrolled)
        tasks.append(Task { [weak self] in await self?.enrol(transport, enrolled) })
        // Also before the server knows the phone: it is delivery that begins, ends and seals trips.
        tasks.append(Task { [recorder] in await recorder.deliver(over: transport) })
    }

    /// Nothing is sensed for this driver any more.
    func silence() {
        if isSilent { return }
        isSilent = true
        sensors.endDrives()
    }

    /// The driver has withdrawn: what was open is forgotten, also what an app left that died.
    func forgetOpen() async throws {
        silence()
        end()
        try await Work.run { [recorder] in try recorder.withdrawConsent() }
    }

    /// The driver wants everything gone: asks the server for it until it answers.
    ///
    /// - Parameter ended: called with the server's refusal, or with `nil` where nothing is left.
    func erase(ended: @escaping @MainActor (_ refusal: String?) -> Void) async throws {
        silence()
        end()
        export.discard()
        watch()
        listen(to: recorder.events) { _, event in
            switch event {
            case .erased: ended(nil)
            case .erasureRefused(let code): ended(code)
            default: break
            }
        }
        try await Work.run { [opened] in try opened.recorder.erase(account: opened.account) }
        tasks.append(Task { [opened] in await opened.recorder.deliver(over: opened.transport) })
    }

    /// Lets go of the recorder.
    func close() async {
        isSilent = true
        sensors.close()
        end()
        export.discard()
        try? await Work.run { [recorder] in try recorder.close() }
    }

    private func watch() {
        listen(to: recorder.statuses) { driver, status in
            driver.status = status
            // A trip goes on after a restart, and ends by itself where no fix comes for long.
            driver.sense()
        }
        listen(to: recorder.events) { await $0.heard($1) }
        listen(to: sensors.fixes) { driver, fix in
            // A fix alone is told with the next call.
            driver.status = driver.recorder.status
            // The last ones may come when the trip is over.
            driver.fix = driver.status.recording ? fix : nil
        }
    }

    private func heard(_ event: Event) async {
        switch event {
        // A receipt stands there at once, long before the server has judged.
        case .received, .judged, .earned: await refresh()
        case .placeFound, .placesLost: await zones.load()
        case .troubled(let error): trouble = Words.error(error)
        default: break
        }
    }

    private func refresh() async {
        let told = try? await Work.run { [recorder] in (try recorder.verdicts(), try recorder.earnings()) }
        guard let told else { return }
        verdicts = told.0.reversed()
        earnings = told.1
        await zones.load()
    }

    /// Has the sensors hand on fixes while a trip is under way: by hand, nobody else asks for them.
    private func sense() {
        let isRecording = recorder.status.recording
        guard !isSilent, isRecording != isSensing else { return }
        isSensing = isRecording
        if isRecording { sensors.tripBegan() } else { sensors.tripEnded() }
    }

    private func enrol(_ transport: Transfer, _ enrolled: @MainActor () -> Void) async {
        while !transport.mayUpload {
            do {
                try await opened.enrol()
                // Of a driver who has left, nobody is told.
                if Task.isCancelled { return }
                transport.mayUpload = true
                trouble = nil
            } catch HexmileError.closed {
                return
            } catch {
                if Task.isCancelled { return }
                trouble = Words.error(error)
                guard (try? await Task.sleep(for: .seconds(30))) != nil else { return }
            }
        }
        enrolled()
    }

    private func attempt(_ call: @escaping @Sendable (Recorder) throws -> Void) async {
        do {
            try await Work.run { [recorder] in try call(recorder) }
        } catch {
            trouble = Words.error(error)
        }
    }

    private func listen<Element: Sendable>(
        to stream: AsyncStream<Element>, _ heard: @escaping @MainActor (DriverModel, Element) async -> Void
    ) {
        tasks.append(
            Task { [weak self] in
                for await element in stream {
                    // What was on its way when it ended is somebody else's already.
                    guard let self, !Task.isCancelled else { return }
                    await heard(self, element)
                }
            })
    }

    private func end() {
        for task in tasks { task.cancel() }
        tasks = []
    }
}
