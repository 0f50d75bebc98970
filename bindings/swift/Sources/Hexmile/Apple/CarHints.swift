#if canImport(AVFAudio) && !os(macOS)
import AVFAudio
import Foundation

/// Tells a recorder that follows motion when the phone's sound goes to a car, by CarPlay or by cable, and
/// when no more. What is paired by Bluetooth alone looks like any headset, and says nothing.
public final class CarHints: Sendable {
    private let recorder: Recorder
    private let onError: @Sendable (any Error) -> Void
    private let queue = DispatchQueue(label: "org.hexmile.car", qos: .utility)
    private let state = Guarded(State())

    private struct State {
        var watching: Watching?
        var isConnected = false
    }

    /// Hints for a recorder.
    ///
    /// - Parameters:
    ///   - recorder: who is told.
    ///   - onError: told of what ``Recorder/hint(_:)`` throws, on a queue of the hints' own.
    public init(recorder: Recorder, onError: @escaping @Sendable (any Error) -> Void = { _ in }) {
        self.recorder = recorder
        self.onError = onError
    }

    /// Tells what is noticed until ``stop()``, and first where the phone is in a car already.
    public func start() {
        let watching = Watching([AVAudioSession.routeChangeNotification]) { [weak self] in self?.look() }
        state.use { $0.watching = watching }
        look()
    }

    /// Tells no more.
    public func stop() {
        state.use { $0 = State() }
    }

    private func look() {
        queue.async { [weak self] in
            guard let self else { return }
            let outputs = AVAudioSession.sharedInstance().currentRoute.outputs
            let isConnected = outputs.contains { $0.portType == .carAudio }
            let isNews = state.use { state in
                // What was not told is news still.
                guard state.watching != nil else { return false }
                defer { state.isConnected = isConnected }
                return state.isConnected != isConnected
            }
            guard isNews else { return }
            do {
                try recorder.hint(.car(connected: isConnected))
            } catch {
                onError(error)
            }
        }
    }
}
#endif
