import Foundation
import Hexmile

/// Where a driver's contributions are.
public enum UploadState: Equatable, Sendable {
    /// Nothing was recorded yet.
    case nothing
    /// The server has everything.
    case delivered(traces: Int)
    /// Some wait; why, where something holds them up, and until when where time alone ends it.
    case waiting(traces: Int, reason: String?, until: Date?)
    /// The server takes nothing from this app for now.
    case paused(code: String)

    public init(_ status: Status) {
        let waiting = status.tracesUnsealed + status.tracesWaiting
        if let code = status.uploadsPaused {
            self = .paused(code: code)
        } else if waiting > 0 {
            self = .waiting(traces: waiting, reason: status.uploadsWait, until: status.uploadsWaitUntil)
        } else if status.tracesReceived > 0 {
            self = .delivered(traces: status.tracesReceived)
        } else {
            self = .nothing
        }
    }

    /// What a driver reads.
    public var words: String {
        switch self {
        case .nothing: return "Nothing was recorded yet."
        case .delivered(let traces):
            return traces == 1 ? "The server has your piece." : "The server has all \(traces) pieces."
        case .waiting(let traces, let reason, _):
            let pieces = traces == 1 ? "1 piece waits" : "\(traces) pieces wait"
            return reason.map { "\(pieces): \(Words.wait($0))" } ?? "\(pieces) to be sent."
        case .paused(let code):
            return code == "sdk_too_old"
                ? "The server needs a newer version of this app. What waits is kept."
                : "The server takes nothing right now (\(code)). What waits is kept."
        }
    }
}
