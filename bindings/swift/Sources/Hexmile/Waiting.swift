import Foundation

/// Sleepers that can be woken before their time.
final class Bell: Sendable {
    private struct State {
        var hasRung = false
        var sleepers: [UUID: Task<Void, Never>] = [:]
    }

    private let state = Guarded(State())

    /// Wakes who sleeps, or who is next to.
    func ring() {
        let sleepers = state.use { state in
            state.hasRung = state.sleepers.isEmpty
            return Array(state.sleepers.values)
        }
        for sleeper in sleepers { sleeper.cancel() }
    }

    /// Forgets a ring that nobody slept through.
    func hush() {
        state.use { $0.hasRung = false }
    }

    /// Sleeps until it rings, the time is over, or the task is cancelled.
    func sleep(seconds: TimeInterval) async {
        let nanoseconds = UInt64(max(0, seconds) * 1e9)
        let sleeper = Task<Void, Never> { try? await Task.sleep(nanoseconds: nanoseconds) }
        let id = UUID()
        let rang = state.use { state in
            let rang = state.hasRung
            state.hasRung = false
            if !rang { state.sleepers[id] = sleeper }
            return rang
        }
        if rang { sleeper.cancel() }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.use { _ = $0.sleepers.removeValue(forKey: id) }
    }
}

/// Lets one task at a time in, in the order of asking.
final class Turnstile: Sendable {
    private struct State {
        var isTaken = false
        var queue: [(id: UUID, admit: CheckedContinuation<Void, any Error>)] = []
    }

    private let state = Guarded(State())

    /// How many wait.
    var waiting: Int { state.use { $0.queue.count } }

    /// Runs `body` when those before are through.
    ///
    /// - Throws: `CancellationError` where the task is cancelled while it waits, and what `body` throws.
    func pass<T>(_ body: () async throws -> T) async throws -> T {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let id = UUID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (admit: CheckedContinuation<Void, any Error>) in
                let answer: Result<Void, any Error>? = state.use { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if !state.isTaken {
                        state.isTaken = true
                        return .success(())
                    }
                    state.queue.append((id, admit))
                    return nil
                }
                if let answer { admit.resume(with: answer) }
            }
        } onCancel: {
            let waiting = state.use { state in
                state.queue.firstIndex { $0.id == id }.map { state.queue.remove(at: $0).admit }
            }
            waiting?.resume(throwing: CancellationError())
        }
    }

    private func leave() {
        let next = state.use { state in
            state.isTaken = !state.queue.isEmpty
            return state.queue.isEmpty ? nil : state.queue.removeFirst().admit
        }
        next?.resume()
    }
}
