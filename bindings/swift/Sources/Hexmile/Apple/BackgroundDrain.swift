#if canImport(BackgroundTasks) && !os(macOS)
import BackgroundTasks
import Foundation

/// Has the system wake the app to deliver what waits.
///
/// The app lists the identifier in `BGTaskSchedulerPermittedIdentifiers`, calls ``register(opening:)``
/// before it has finished launching, and ``schedule(after:)`` when it goes to the background.
public struct BackgroundDrain: Sendable {
    private let identifier: String

    /// The drain of an identifier.
    public init(identifier: String = "org.hexmile.drain") {
        self.identifier = identifier
    }

    /// Registers what the system calls.
    ///
    /// - Parameter opening: gives the app's recorder and its transport, or `nil` where there is no
    ///   consent.
    /// - Returns: whether the system knows the identifier.
    @discardableResult
    public func register(
        opening: @escaping @Sendable () async -> (Recorder, any Transport)?
    ) -> Bool {
        BGTaskScheduler.shared.register(forTaskWithIdentifier: identifier, using: nil) { task in
            let task = Held(task)
            let work = Task {
                let (done, again) = await Self.drain(opening)
                if let again { try? schedule(after: again) }
                task.value.setTaskCompleted(success: done)
            }
            task.value.expirationHandler = { work.cancel() }
        }
    }

    /// Asks to be woken, not before a time; the system decides when, with a network.
    ///
    /// - Throws: what the system throws, such as where background refresh is switched off.
    public func schedule(after earliest: Date? = nil) throws {
        let request = BGProcessingTaskRequest(identifier: identifier)
        request.requiresNetworkConnectivity = true
        request.requiresExternalPower = false
        request.earliestBeginDate = earliest
        try BGTaskScheduler.shared.submit(request)
    }

    private static func drain(
        _ opening: @Sendable () async -> (Recorder, any Transport)?
    ) async -> (done: Bool, again: Date?) {
        guard let (recorder, transport) = await opening() else { return (true, nil) }
        do {
            return (true, try await recorder.drain(over: transport))
        } catch {
            return (false, Date(timeIntervalSinceNow: 900))
        }
    }
}

/// A task of the system's, which may be ended from any thread.
private struct Held: @unchecked Sendable {
    let value: BGTask

    init(_ value: BGTask) {
        self.value = value
    }
}
#endif
