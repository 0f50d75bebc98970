#if canImport(CoreMotion) && !os(macOS)
import CoreMotion
import Foundation

/// Tells a recorder that follows motion what Core Motion takes its bearer to do. The app's
/// `Info.plist` says why (`NSMotionUsageDescription`); without permission nothing comes.
public final class MotionHints: @unchecked Sendable {
    // Used by `start` and `stop` alone, which the platform lets any thread call.
    private let manager = CMMotionActivityManager()
    private let queue = OperationQueue()
    private let recorder: Recorder
    private let onError: @Sendable (any Error) -> Void
    private let last = Guarded<Hint?>(nil)

    /// Hints for a recorder.
    ///
    /// - Parameters:
    ///   - recorder: who is told.
    ///   - onError: told of what ``Recorder/hint(_:)`` throws, on a queue of the hints' own.
    public init(recorder: Recorder, onError: @escaping @Sendable (any Error) -> Void = { _ in }) {
        self.recorder = recorder
        self.onError = onError
        queue.maxConcurrentOperationCount = 1
        queue.qualityOfService = .utility
    }

    /// Tells what is noticed until ``stop()``; nothing where the device has no such sensor.
    public func start() {
        guard CMMotionActivityManager.isActivityAvailable() else { return }
        manager.startActivityUpdates(to: queue) { [weak self] activity in
            if let activity, let hint = Hint(activity: activity) { self?.tell(hint) }
        }
    }

    /// Tells no more.
    public func stop() {
        manager.stopActivityUpdates()
        last.use { $0 = nil }
    }

    private func tell(_ hint: Hint) {
        let isNews = last.use { last in
            defer { last = hint }
            return last != hint
        }
        guard isNews else { return }
        do {
            try recorder.hint(hint)
        } catch {
            onError(error)
        }
    }
}

extension Hint {
    /// What an activity says; `nil` where the platform is not sure.
    init?(activity: CMMotionActivity) {
        if activity.confidence == .low { return nil }
        if activity.automotive {
            self = .inVehicle
        } else if activity.walking || activity.running {
            self = .onFoot
        } else if activity.stationary {
            self = .still
        } else {
            return nil
        }
    }
}
#endif
