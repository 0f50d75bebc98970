import HexmileFFI

/// What a driver may want to see.
public struct Status: Equatable, Sendable {
    /// Whether the driver has agreed.
    public var consent = false
    /// Whether a trip is under way.
    public var recording = false
    /// Whether the phone is being driven, where the recorder follows its motion.
    public var motion: MotionState?
    /// Fixes that joined a trace, or wait to.
    public var fixesKept = 0
    /// Fixes dropped, by stable code.
    public var fixesDropped: [String: Int] = [:]
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
    /// Files of another device key or version found in the journal's folder.
    public var segmentsSetAside = 0
    /// Bytes found in the journal that meant nothing.
    public var damagedBytes = 0
    /// Bytes handed out for upload.
    public var bytesUploaded = 0
    /// Requests to erase an account that the server has not answered.
    public var erasuresWaiting = 0
    /// Bytes on disk.
    public var journalBytes = 0

    /// Whether nothing of what was recorded is left on the phone but what is still open.
    public var isDelivered: Bool { tracesUnsealed == 0 && tracesWaiting == 0 && !recording }
}

extension Status {
    init(native: HexmileFFI.Status) {
        self.init(
            consent: native.consent,
            recording: native.recording,
            motion: native.motion.map(MotionState.init(native:)),
            fixesKept: Int(clamping: native.fixesKept),
            fixesDropped: native.fixesDropped.mapValues { Int(clamping: $0) },
            tracesUnsealed: Int(clamping: native.tracesUnsealed),
            tracesWaiting: Int(clamping: native.tracesWaiting),
            tracesReceived: Int(clamping: native.tracesReceived),
            tracesRefused: native.tracesRefused.mapValues { Int(clamping: $0) },
            tracesDropped: Int(clamping: native.tracesDropped),
            receiptsInvalid: Int(clamping: native.receiptsInvalid),
            minSDK: native.minSdk,
            uploadsPaused: native.uploadsPaused,
            segmentsSetAside: Int(clamping: native.segmentsSetAside),
            damagedBytes: Int(clamping: native.damagedBytes),
            bytesUploaded: Int(clamping: native.bytesUploaded),
            erasuresWaiting: Int(clamping: native.erasuresWaiting),
            journalBytes: Int(clamping: native.journalBytes))
    }
}
