import Foundation

/// Tells many listeners, each through a stream of its own.
final class Broadcast<Element: Sendable>: Sendable {
    private struct State {
        var listeners: [UUID: AsyncStream<Element>.Continuation] = [:]
        var isOver = false
    }

    private let state = Guarded(State())

    /// A stream from now on, with `first` before all else. Who is slow misses the oldest.
    func stream(first: Element? = nil, keeping: Int) -> AsyncStream<Element> {
        let (stream, listener) = AsyncStream.makeStream(
            of: Element.self, bufferingPolicy: .bufferingNewest(keeping))
        if let first { listener.yield(first) }
        let id = UUID()
        let isOver = state.use { state in
            if !state.isOver { state.listeners[id] = listener }
            return state.isOver
        }
        if isOver {
            listener.finish()
        } else {
            listener.onTermination = { [weak self] _ in
                self?.state.use { _ = $0.listeners.removeValue(forKey: id) }
            }
        }
        return stream
    }

    func tell(_ element: Element) {
        // Outside of the lock: a listener that goes away takes it.
        for listener in state.use({ Array($0.listeners.values) }) { listener.yield(element) }
    }

    /// Ends every stream, those to come, too.
    func finish() {
        let listeners = state.use { state in
            state.isOver = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
