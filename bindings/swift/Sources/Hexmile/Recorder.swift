import Foundation
import HexmileFFI

/// What a recorder is set up with.
public struct RecorderConfig: Equatable, Sendable {
    /// A folder of the recorder's own, out of backups.
    public var journal: URL
    /// Which network the traces are for, by name.
    public var network: String
    /// Whether traces are sealed within a minute, or as large as they may be;
    /// ``Recorder/setUploadRules(_:)`` says more.
    public var live = true
    /// Whether trips begin and end by what the platform notices (``Recorder/hint(_:)``); else the app
    /// says when.
    public var followMotion = false
    /// Bytes that the journal may take.
    public var journalLimitBytes = 50_000_000
    /// The Ed25519 keys, 32 bytes each, with which the server signs receipts, as `/v1/policy` tells
    /// them. With any, a trace is done only when its receipt verifies.
    public var serverKeys: [Data] = []
    /// Ids of devices, hexadecimal, whose key this phone had before, and lost or changed: what they
    /// sealed is still sent.
    public var predecessors: [String] = []
    /// Whether places that the driver comes back to get a zone by themselves.
    public var learnPlaces = true

    /// A recorder of a folder and a network.
    public init(journal: URL, network: String) {
        self.journal = journal
        self.network = network
    }
}

/// Records fixes, seals them into signed traces, keeps them, and delivers them.
///
/// One recorder per journal folder and process. It may be called from any thread. Calls are short, but
/// write to disk and may sign: call it off the main thread. After ``close()`` every call that throws
/// throws ``HexmileError/closed``.
///
/// Nothing is written before ``grantConsent()``. An app calls it when the driver has agreed, and again
/// at each start after; then ``deliver(over:)`` runs for as long as the app does.
public final class Recorder: Sendable {
    /// Fixes of one packed call at most.
    private static let pack = 1024

    let open: OpenRecorder
    private let clock: @Sendable () -> Date
    private let happened = Broadcast<Event>()
    private let stood = Broadcast<Status>()
    private let last = Guarded(Status())
    private let delivery = Delivery()
    /// Held from a call until what came of it was told: else what two threads did would be told in another
    /// order than the library did it, and who listens would go by what is over.
    private let telling = NSLock()

    /// A recorder, without consent: nothing is read or written yet.
    ///
    /// - Parameters:
    ///   - config: where it writes, and for whom.
    ///   - device: the key of this phone; every trace is signed by it.
    ///   - secrets: keeps the key of each trip, under which what is held back at its end waits on disk.
    ///   - clock: the phone's clock.
    /// - Throws: ``HexmileError/argument(_:)`` where a key, an id or a limit cannot be used, and what the
    ///   key's ``Signer/publicKey`` throws.
    public init(
        _ config: RecorderConfig, device: any Signer, secrets: any SecretStore,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) throws {
        let settings = HexmileFFI.RecorderConfig(
            journalDir: config.journal.path,
            journalLimitBytes: try narrow("journalLimitBytes", config.journalLimitBytes),
            network: config.network, live: config.live, followMotion: config.followMotion,
            serverKeys: config.serverKeys, predecessors: config.predecessors,
            learnPlaces: config.learnPlaces)
        let key = try SignerBridge.native(device)
        let store = SecretsBridge(secrets)
        open = OpenRecorder(
            try calling { try HexmileFFI.Recorder(config: settings, device: key, secrets: store) })
        self.clock = clock
    }

    /// A recorder that nobody closed lets go of what it holds; what it wrote is on disk all the same.
    deinit {
        happened.finish()
        stood.finish()
    }

    /// Where things stand; after ``close()``, where they stood.
    public var status: Status {
        (try? open.call { Status(native: $0.status()) }) ?? last.use { $0 }
    }

    /// Where things stand, and from then on how they change; recording a fix alone shows with the call
    /// after it. Who is slow sees the newest. The stream ends when the recorder is closed.
    public var statuses: AsyncStream<Status> {
        // No change between asking and listening is missed.
        inOrder { stood.stream(first: status, keeping: 1) }
    }

    /// What happens from now on. Who is slow misses the oldest of 256. The stream ends when the recorder
    /// is closed.
    public var events: AsyncStream<Event> {
        happened.stream(keeping: 256)
    }

    /// The driver agrees. A trip that was under way when the app died goes on
    /// (``Event/tripResumed(trip:)``); what else an earlier run left unfinished is sealed.
    ///
    /// - Throws: ``HexmileError/journal(_:)`` and ``HexmileError/signing(_:cause:)``.
    public func grantConsent() throws {
        try act { try $0.grantConsent() }
    }

    /// The driver withdraws: recording stops at once, whatever this throws; what was open is forgotten
    /// on disk, too. Without consent it is about what an earlier process left open: call it at each start
    /// without the driver's consent.
    ///
    /// - Throws: ``HexmileError/journal(_:)`` and ``HexmileError/secrets(_:cause:)``.
    public func withdrawConsent() throws {
        try leave { try $0.withdrawConsent(); return [] }
    }

    /// The driver wants everything gone: withdraws, signs and keeps a request that the server erase the
    /// account, and deletes every other file. After this the app may destroy the keys; it goes on
    /// delivering until ``Event/erased``.
    ///
    /// - Parameter account: the key that signs the request, or `nil` for this device's where the
    ///   account's own is not on this phone.
    /// - Throws: ``HexmileError/journal(_:)``, ``HexmileError/signing(_:cause:)`` and
    ///   ``HexmileError/secrets(_:cause:)``.
    public func erase(account: (any Signer)?) throws {
        let account = try account.map(SignerBridge.native)
        try leave { try $0.erase(account: account, moment: self.moment()) }
    }

    /// Sets the places and hours of which nothing leaves the phone, in place of those before. Call it
    /// before the first trip, and when the driver or the phone's time zone changes them.
    ///
    /// - Parameters:
    ///   - secret: 32 random bytes that the app keeps in its ``SecretStore`` as long as it is installed;
    ///     it decides where the zones around known places lie.
    ///   - zones: where nothing is recorded.
    ///   - quietHours: when nothing is.
    ///   - timeZone: the phone's, for the quiet hours.
    /// - Throws: ``HexmileError/argument(_:)`` where a place, an hour or the secret cannot be used; then
    ///   all stays as it was.
    public func setPrivacy(
        secret: Data, zones: [Zone] = [], quietHours: [QuietHours] = [], timeZone: TimeZone = .current
    ) throws {
        let zones = try zones.map { try $0.native() }
        let quietHours = try quietHours.map { try $0.native() }
        let offsetMinutes = timeZone.secondsFromGMT(for: clock()) / 60
        let offset: Int16 = try narrow("timeZone", offsetMinutes)
        try act {
            try $0.setPrivacy(
                zones: zones, quietHours: quietHours, utcOffsetMin: offset, secret: secret)
            return []
        }
    }

    /// A trip begins.
    ///
    /// - Throws: ``HexmileError/noConsent``, ``HexmileError/journal(_:)`` and
    ///   ``HexmileError/signing(_:cause:)``.
    public func startTrip() throws {
        try act { try $0.startTrip(moment: self.moment()) }
    }

    /// The trip ends: what is held back is forgotten, and the rest sealed.
    ///
    /// - Throws: ``HexmileError/journal(_:)``, ``HexmileError/signing(_:cause:)`` and
    ///   ``HexmileError/secrets(_:cause:)``.
    public func stopTrip() throws {
        try act { try $0.stopTrip() }
    }

    /// The platform noticed something: where the recorder follows motion, a trip may begin or end, and
    /// ``Event/locate(_:)`` may ask for other locations.
    ///
    /// - Throws: ``HexmileError/journal(_:)`` and ``HexmileError/signing(_:cause:)``.
    public func hint(_ hint: Hint) throws {
        try act { try $0.hint(hint: hint.native, moment: self.moment()) }
    }

    /// Takes a fix. What went wrong with the disk or a key is told by delivery.
    @discardableResult
    public func record(_ fix: Fix) throws -> Recorded {
        try open.call { $0.record(fix, now: now) }
    }

    /// Takes fixes that came together, in the order of capture, as platforms that batch hand them out; far
    /// cheaper than one by one.
    @discardableResult
    public func record(_ fixes: [Fix]) throws -> Batch {
        try open.call { native in
            var batch = Batch()
            for from in stride(from: 0, to: fixes.count, by: Self.pack) {
                let some = packed(fixes[from..<min(from + Self.pack, fixes.count)])
                batch += Batch(counts: try native.recordPacked(fixes: some, nowMs: now.clockMs))
            }
            return batch
        }
    }

    /// Waits until everything recorded is on disk.
    ///
    /// - Throws: ``HexmileError/journal(_:)``.
    public func flush() throws {
        try act { try $0.flush(); return [] }
    }

    /// Delivers until the task is cancelled or the recorder is closed: seals what has grown old, uploads
    /// what is due, and takes the server's answers. One delivery at a time: a second waits for the first.
    public func deliver(over transport: any Transport) async {
        await delivery.run(self, over: transport)
    }

    /// Delivers what is due now, and returns; for tasks that the system wakes.
    ///
    /// - Returns: when more is due, or `nil` where nothing waits and no trip is under way.
    /// - Throws: ``HexmileError/journal(_:)``, ``HexmileError/signing(_:cause:)``, and
    ///   `CancellationError` where the task is cancelled.
    @discardableResult
    public func drain(over transport: any Transport) async throws -> Date? {
        try await delivery.drain(self, over: transport)
    }

    /// Waits for calls under way and until everything is on disk, and lets go of the library's memory.
    /// It may be repeated.
    ///
    /// - Throws: ``HexmileError/journal(_:)``; it is closed all the same.
    public func close() throws {
        defer {
            delivery.close()
            happened.finish()
            stood.finish()
        }
        _ = try open.close { native in
            last.use { $0 = Status(native: native.status()) }
            try native.flush()
        }
    }

    /// The time, and a number that nobody can guess.
    func moment() -> Moment {
        Moment(nowMs: now.clockMs, random: .random(in: .min ... .max))
    }

    var now: Date { clock() }

    func tell(_ event: Event) {
        happened.tell(event)
    }

    /// A call of the app's, after which there may be something to deliver.
    func act(_ call: (HexmileFFI.Recorder) throws -> [Effect]) throws {
        try carryOut(call)
        delivery.wake()
    }

    /// A call after which nothing of before may leave, whatever it throws.
    private func leave(_ call: (HexmileFFI.Recorder) throws -> [Effect]) throws {
        try act { native in
            defer { delivery.forget() }
            return try call(native)
        }
    }

    /// Calls the library, and hands on what it wants done.
    func carryOut(_ call: (HexmileFFI.Recorder) throws -> [Effect]) throws {
        try inOrder {
            try open.call { native in
                // Also where the call failed: a withdrawal holds whatever went wrong.
                defer {
                    let status = Status(native: native.status())
                    let isNews = last.use { last in
                        defer { last = status }
                        return last != status
                    }
                    if isNews { stood.tell(status) }
                }
                delivery.take(try call(native), of: self)
            }
        }
    }

    private func inOrder<T>(_ body: () throws -> T) rethrows -> T {
        // A key or a store that asks is inside of a call that holds it; the library is not called then.
        if HostThread.isInside { return try body() }
        return try telling.withLock(body)
    }
}
