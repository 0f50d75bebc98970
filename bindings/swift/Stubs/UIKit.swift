import Foundation

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
