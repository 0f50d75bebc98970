import Foundation

/// Notifications of the platform that are listened to as long as this lives.
final class Watching: @unchecked Sendable {
    // Written by the initializer alone.
    private let observers: [any NSObjectProtocol]

    init(_ names: [Notification.Name], _ heard: @escaping @Sendable () -> Void) {
        observers = names.map { name in
            NotificationCenter.default.addObserver(forName: name, object: nil, queue: nil) { _ in heard() }
        }
    }

    deinit {
        for observer in observers { NotificationCenter.default.removeObserver(observer) }
    }
}
