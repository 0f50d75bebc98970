@_exported import Foundation

@MainActor
open class UIDevice: NSObject {
    public enum BatteryState: Int, Sendable { case unknown, unplugged, charging, full }

    public class var current: UIDevice { UIDevice() }
    public nonisolated static let batteryLevelDidChangeNotification = Notification.Name("battery level")
    public nonisolated static let batteryStateDidChangeNotification = Notification.Name("battery state")
    public var isBatteryMonitoringEnabled = false
    public var batteryLevel: Float { -1 }
    public var batteryState: BatteryState { .unknown }
}

// What Foundation has on Apple's systems alone.
extension Notification.Name {
    public static let NSProcessInfoPowerStateDidChange = Notification.Name("power state")
}

extension ProcessInfo {
    public var isLowPowerModeEnabled: Bool { false }
}

// What the demo app uses.
@MainActor
open class UIView: NSObject {
    public var accessibilityLabel: String?
}

public enum UIKeyboardType: Sendable { case URL, numbersAndPunctuation }

public struct UITextContentType: Sendable {
    public static let URL = UITextContentType()
}

@MainActor
open class UIApplication: NSObject {
    public struct LaunchOptionsKey: Hashable, Sendable {}

    public nonisolated static let protectedDataDidBecomeAvailableNotification = Notification.Name("unlocked")
    public nonisolated static let openSettingsURLString = ""
}

@MainActor
public protocol UIApplicationDelegate: NSObjectProtocol {
    func application(
        _ application: UIApplication,
        didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool
    func application(
        _ application: UIApplication, handleEventsForBackgroundURLSession identifier: String,
        completionHandler: @escaping () -> Void)
}
