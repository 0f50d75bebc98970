import DemoModel
import Hexmile
import UIKit

/// What must be in place before the app has finished launching, also where the system launched it in the
/// background: for a location, for uploads that ended, or to deliver what waits.
@MainActor
final class Launch: NSObject, UIApplicationDelegate {
    let app = AppModel(phone: .this, sensors: { PhoneSensors(recorder: $0, onError: $1) })

    private let drain = BackgroundDrain()
    /// The system's own session: made again with the same name, it hands over what ended meanwhile.
    private var uploads: BackgroundTransport?
    private var unlocked: (any NSObjectProtocol)?

    func application(
        _ application: UIApplication,
        didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]? = nil
    ) -> Bool {
        drain.register { [weak self] in await self?.whatWaits() }
        unlocked = NotificationCenter.default.addObserver(
            forName: UIApplication.protectedDataDidBecomeAvailableNotification, object: nil, queue: nil
        ) { [app] _ in
            Task { await app.open() }
        }
        // A scene opens it, too; without one this is the only chance.
        Task { await app.open() }
        return true
    }

    func application(
        _ application: UIApplication, handleEventsForBackgroundURLSession identifier: String,
        completionHandler: @escaping () -> Void
    ) {
        let done = Done(call: completionHandler)
        Task {
            await app.open()
            guard let uploads = transport() else { return done.call() }
            uploads.handleEvents { done.call() }
        }
    }

    func scheduleDrain() {
        // Where background refresh is switched off, the next launch delivers.
        if app.driver != nil { try? drain.schedule() }
    }

    private func whatWaits() async -> (Recorder, any Transport)? {
        guard let recorder = await app.recorderToDrain(), let uploads = transport() else { return nil }
        return (recorder, uploads)
    }

    private func transport() -> BackgroundTransport? {
        guard let server = app.settings.server?.url else { return nil }
        if let uploads, uploads.server == server { return uploads }
        let new = BackgroundTransport(server: server)
        uploads = new
        return new
    }
}

/// The system's own closure, which is called once, on the main queue.
private struct Done: @unchecked Sendable {
    let call: () -> Void
}
