import Foundation
import HexmileFFI

/// What a driver may want to see.
public struct Status: Equatable, Sendable {
    /// Whether the driver has agreed.
    public var consent = false
    /// Whether a trip is under way.
    public var recording = false
    /// The trip under way.
    public var trip: TripStatus?
    /// Whether the phone is being driven, where the recorder follows its motion.
    public var motion: MotionState?
    /// Fixes that joined a trace, or wait to.
    public var fixesKept = 0
    /// Fixes dropped, by stable code.
    public var fixesDropped: [String: Int] = [:]
    /// Stretches that were held back when the app died, and are lost in whole or in part, by stable code.
    public var heldLost: [String: Int] = [:]
    /// Why what is held back waits in memory alone, if it does, in words.
    public var heldInMemory: String?
    /// Whether the key of the known places cannot be read; all fixes are dropped until then.
    public var placesLocked = false
    /// Traces to be, that wait for their time or for the key store.
    public var tracesUnsealed = 0
    /// Traces that wait for a receipt.
    public var tracesWaiting = 0
    /// Traces with a receipt.
    public var tracesReceived = 0
    /// Traces refused for good, by stable code.
    public var tracesRefused: [String: Int] = [:]
    /// Traces dropped because the journal was full or damaged.
    public var tracesDropped = 0
    /// Receipts that did not verify; their traces go again.
    public var receiptsInvalid = 0
    /// Oldest SDK that the server takes, as `major.minor.patch`, where it was told.
    public var minSDK: String?
    /// Why uploads pause, if they do; the server's stable code.
    public var uploadsPaused: String?
    /// Why the traces that wait do not leave, if something holds them up; a stable code.
    public var uploadsWait: String?
    /// Until when, where time alone ends it.
    public var uploadsWaitUntil: Date?
    /// Files of another device key or version found in the journal's folder.
    public var segmentsSetAside = 0
    /// Bytes found in the journal that meant nothing.
    public var damagedBytes = 0
    /// Bytes on disk of the traces that wait for a receipt.
    public var bytesQueued = 0
    /// Bytes handed out for upload.
    public var bytesUploaded = 0
    /// Requests to erase an account that the server has not answered.
    public var erasuresWaiting = 0
    /// Bytes on disk.
    public var journalBytes = 0

    /// Nothing recorded yet, without consent.
    public init() {}

    /// Whether nothing of what was recorded is left on the phone but what is still open.
    public var isDelivered: Bool { tracesUnsealed == 0 && tracesWaiting == 0 && !recording }
}

extension Status {
    init(native: HexmileFFI.Status) {
        self.init()
        consent = native.consent
        recording = native.recording
        trip = native.trip.map(TripStatus.init(native:))
        motion = native.motion.map(MotionState.init(native:))
        fixesKept = Int(clamping: native.fixesKept)
        fixesDropped = counts(native.fixesDropped)
        heldLost = counts(native.heldLost)
        heldInMemory = native.heldInMemory
        placesLocked = native.placesLocked
        tracesUnsealed = Int(clamping: native.tracesUnsealed)
        tracesWaiting = Int(clamping: native.tracesWaiting)
        tracesReceived = Int(clamping: native.tracesReceived)
        tracesRefused = counts(native.tracesRefused)
        tracesDropped = Int(clamping: native.tracesDropped)
        receiptsInvalid = Int(clamping: native.receiptsInvalid)
        minSDK = native.minSdk
        uploadsPaused = native.uploadsPaused
        uploadsWait = native.uploadsWait
        uploadsWaitUntil = native.uploadsWaitUntilMs.map(Date.init(unixMs:))
        segmentsSetAside = Int(clamping: native.segmentsSetAside)
        damagedBytes = Int(clamping: native.damagedBytes)
        bytesQueued = Int(clamping: native.bytesQueued)
        bytesUploaded = Int(clamping: native.bytesUploaded)
        erasuresWaiting = Int(clamping: native.erasuresWaiting)
        journalBytes = Int(clamping: native.journalBytes)
    }
}

private func counts(_ native: [HexmileFFI.Count]) -> [String: Int] {
    Dictionary(native.map { ($0.code, Int(clamping: $0.count)) }, uniquingKeysWith: +)
}
