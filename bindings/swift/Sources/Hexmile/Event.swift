import Foundation
import HexmileFFI

/// What happened, for the app to show or log. Only ``locate(_:)`` and ``tripResumed(trip:)`` ask
/// it for something.
public enum Event: Equatable, Sendable {
    /// A trace was sealed: signed, and kept until the server has it. Its id, hexadecimal.
    case sealed(trace: String)
    /// The server has a trace, by its own clock since then.
    case received(trace: String, at: Date)
    /// The server will never take a trace; `code` is stable.
    case refused(trace: String, code: String)
    /// The server's rules have judged a trace.
    case judged(Verdict)
    /// The account's earnings were told: ``Recorder/earnings()``.
    case earned
    /// An upload failed and will be tried again; a stable code, or the transport's words.
    case delayed(why: String)
    /// The server takes nothing that this app sends; what waits is kept, and tried again then. `code`
    /// is stable.
    case paused(code: String, until: Date)
    /// A trace was sealed anew, under another id.
    case resealed(was: String, now: String)
    /// The driver comes back to this place, and it has a zone from now on: ``Recorder/knownPlaces()``.
    case placeFound(Place)
    /// The places that were known cannot be read any more; they are learned anew.
    case placesLost
    /// The trip that was under way when the app died goes on: hand on its fixes. It ends by itself where
    /// none comes within a few minutes of the last. Its id, hexadecimal.
    case tripResumed(trip: String)
    /// What was held back at the end of a trip when the app died is lost, or part of it; a stable code.
    case heldLost(reason: String)
    /// What is held back cannot be kept on disk for now: if the app died, it would be lost. In words.
    case heldInMemory(why: String)
    /// Files in the journal's folder belong to another device key or version, and were renamed.
    case setAside(segments: Int)
    /// Ask the platform for these locations from now on, in place of those before; only where the
    /// recorder follows motion.
    case locate(LocationRequest)
    /// The server holds nothing of the account any more.
    case erased
    /// The server will not erase the account for the request that was signed; it was given up. `code`
    /// is stable.
    case erasureRefused(code: String)
    /// Delivery met an error, and goes on.
    case troubled(HexmileError)
}

extension Event {
    /// What an effect tells the app; `nil` where it is for delivery alone.
    init?(native effect: Effect) {
        switch effect {
        case .upload, .erase, .inquire, .fetchPolicy, .wakeAt: return nil
        case .sealed(let trace): self = .sealed(trace: trace)
        case .received(let trace, let atMs): self = .received(trace: trace, at: Date(unixMs: atMs))
        case .refused(let trace, let code): self = .refused(trace: trace, code: code)
        case .judged(let verdict): self = .judged(Verdict(native: verdict))
        case .earned: self = .earned
        case .placeFound(let place): self = .placeFound(Place(native: place))
        case .placesLost: self = .placesLost
        case .tripResumed(let trip): self = .tripResumed(trip: trip)
        case .heldLost(let reason): self = .heldLost(reason: reason)
        case .heldInMemory(let why): self = .heldInMemory(why: why)
        case .delayed(let why): self = .delayed(why: why)
        case .paused(let code, let untilMs): self = .paused(code: code, until: Date(unixMs: untilMs))
        case .resealed(let was, let now): self = .resealed(was: was, now: now)
        case .setAside(let segments): self = .setAside(segments: Int(clamping: segments))
        case .locate(let request): self = .locate(LocationRequest(native: request))
        case .erased: self = .erased
        case .erasureRefused(let code): self = .erasureRefused(code: code)
        }
    }
}
