import Foundation
import HexmileFFI

/// Carries out what the library wants done: requests, and calls at their time.
final class Delivery: Sendable {
    private struct State {
        var errands: [Errand] = []
        var wakeAt: Date?
    }

    /// How often the library is asked while a trip is under way, seconds.
    private static let tickS: TimeInterval = 5
    /// How long a delivery rests after an error of the disk or of the key, seconds.
    private static let troubledS: TimeInterval = 30
    /// When to look again at a trip that is under way, seconds.
    private static let tripS: TimeInterval = 60
    private static let leastS: TimeInterval = 0.1
    /// The phone's clock may be set meanwhile, seconds.
    private static let mostS: TimeInterval = 600

    private static let threads = DispatchQueue(
        label: "org.hexmile.delivery", qos: .utility, attributes: .concurrent)

    private let state = Guarded(State())
    private let turnstile = Turnstile()
    private let bell = Bell()

    /// Takes effects in their order.
    func take(_ effects: [Effect], of recorder: Recorder) {
        for effect in effects {
            switch effect {
            case .upload(let upload): add(.upload(upload))
            case .erase(let request): add(.erase(request))
            case .inquire(let inquiry): add(.inquire(inquiry))
            case .fetchPolicy(let path): add(.fetchPolicy(path: path))
            case .wakeAt(let unixMs):
                let at = Date(unixMs: unixMs)
                state.use { $0.wakeAt = min($0.wakeAt ?? at, at) }
            default:
                if let event = Event(native: effect) { recorder.tell(event) }
            }
        }
    }

    /// Has a running delivery look again.
    func wake() {
        bell.ring()
    }

    /// Forgets what was not begun to be sent, but for the driver's wish to be erased.
    func forget() {
        state.use { $0.errands.removeAll { if case .erase = $0 { return false } else { return true } } }
    }

    /// Lets go of what nobody will send.
    func close() {
        state.use { $0.errands = [] }
        wake()
    }

    func run(_ recorder: Recorder, over transport: any Transport) async {
        while !Task.isCancelled {
            var again: Date?
            do {
                again = try await once(recorder, over: transport)
            } catch HexmileError.closed {
                return
            } catch let error as HexmileError {
                recorder.tell(.troubled(error))
                again = recorder.now + Self.troubledS
            } catch {
                return // Cancelled.
            }
            let most = recorder.status.recording ? Self.tickS : Self.mostS
            let wait = again?.timeIntervalSince(recorder.now) ?? most
            await bell.sleep(seconds: min(max(wait, Self.leastS), most))
        }
    }

    /// All that is due, for a task that comes rarely: what is sealed first leaves with it, too.
    func drain(_ recorder: Recorder, over transport: any Transport) async throws -> Date? {
        // A delivery that sleeps knows nothing of the times that come of this.
        defer { wake() }
        let again = try await drainAll(recorder, over: transport)
        // What a trip holds leaves when it is over, and nobody else may come to see to it.
        return again ?? (recorder.status.recording ? recorder.now + Self.tripS : nil)
    }

    private func drainAll(_ recorder: Recorder, over transport: any Transport) async throws -> Date? {
        let again = try await once(recorder, over: transport)
        let status = recorder.status
        if status.tracesUnsealed + status.tracesWaiting == 0 { return again }
        // Traces leave once they are on disk.
        try await working(recorder) { native, _ in
            try native.flush()
            return []
        }
        return try await once(recorder, over: transport)
    }

    private func once(_ recorder: Recorder, over transport: any Transport) async throws -> Date? {
        try await turnstile.pass {
            // What is called for from here on is looked at anew.
            bell.hush()
            state.use { $0.wakeAt = nil }
            try await working(recorder) { try $0.tick(moment: $1) }
            while let errand = state.use({ $0.errands.isEmpty ? nil : $0.errands.removeFirst() }) {
                try await send(errand, of: recorder, over: transport)
            }
            return state.use { $0.wakeAt }
        }
    }

    /// The library's newest word on an errand is the one that holds.
    private func add(_ errand: Errand) {
        state.use { state in
            state.errands.removeAll { $0.isLike(errand) }
            state.errands.append(errand)
        }
    }

    private func send(_ errand: Errand, of recorder: Recorder, over transport: any Transport) async throws {
        let request = errand.request
        let answer: Answer
        do {
            answer = try await transport.send(request)
        } catch {
            // The recorder hears of it in any case, and does not wait for an answer that will not come.
            let why = Task.isCancelled ? "cancelled" : String(describing: error)
            try await working(recorder) { try errand.failed(why, $0, $1) }
            // A transport's own time-out is no cancellation of the delivery.
            try Task.checkCancellation()
            return
        }
        try await working(recorder) { try errand.answered(answer, $0, $1) }
    }

    /// A call on a thread that may block; it is made whether or not the task was cancelled.
    private func working(
        _ recorder: Recorder, _ call: @escaping @Sendable (HexmileFFI.Recorder, Moment) throws -> [Effect]
    ) async throws {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            Self.threads.async {
                done.resume(with: Result { try recorder.carryOut { try call($0, recorder.moment()) } })
            }
        }
    }
}
