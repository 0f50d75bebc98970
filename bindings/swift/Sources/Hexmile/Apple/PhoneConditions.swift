#if canImport(Network) && canImport(UIKit)
import Foundation
import Network
import UIKit

/// Tells a recorder what uploads may cost now: how the phone reaches the Internet, its battery, and what
/// the driver asked apps to spare. A recorder that follows motion hears of the battery, too.
///
/// No app is told whether the network is a foreign one: iOS itself keeps cellular data off abroad unless
/// the driver allows it (Settings, Data Roaming), so ``Conditions/roaming`` stays false.
@MainActor
public final class PhoneConditions {
    /// Charge at which iOS itself asks to spare the battery, percent.
    private static let lowPercent = 20

    private let recorder: Recorder
    private let onError: @Sendable (any Error) -> Void
    private let queue = DispatchQueue(label: "org.hexmile.conditions", qos: .utility)
    private var monitor: NWPathMonitor?
    private var watching: Watching?
    private var path = Conditions()
    private var told: Conditions?

    /// Conditions for a recorder.
    ///
    /// - Parameters:
    ///   - recorder: who is told.
    ///   - onError: told of what the recorder throws, on a queue of the conditions' own.
    public init(recorder: Recorder, onError: @escaping @Sendable (any Error) -> Void = { _ in }) {
        self.recorder = recorder
        self.onError = onError
    }

    /// Tells what holds now, and what changes, until ``stop()``.
    public func start() {
        stop()
        UIDevice.current.isBatteryMonitoringEnabled = true
        watching = Watching([
            UIDevice.batteryLevelDidChangeNotification, UIDevice.batteryStateDidChangeNotification,
            .NSProcessInfoPowerStateDidChange,
        ]) { [weak self] in
            Task { @MainActor in self?.tell() }
        }
        // A monitor that was cancelled never starts again.
        let monitor = NWPathMonitor()
        monitor.pathUpdateHandler = { [weak self] path in
            let conditions = Conditions(path: path)
            Task { @MainActor in
                self?.path = conditions
                self?.tell()
            }
        }
        monitor.start(queue: queue)
        self.monitor = monitor
    }

    /// Tells no more.
    public func stop() {
        monitor?.cancel()
        monitor = nil
        watching = nil
        told = nil
    }

    private func tell() {
        guard watching != nil else { return }
        var conditions = path
        let device = UIDevice.current
        // -1 where it is not known, as in simulators.
        if device.batteryLevel >= 0 { conditions.batteryPercent = Int((device.batteryLevel * 100).rounded()) }
        conditions.charging = device.batteryState == .charging || device.batteryState == .full
        conditions.lowPowerMode = ProcessInfo.processInfo.isLowPowerModeEnabled
        guard conditions != told else { return }
        told = conditions
        let isLow = conditions.lowPowerMode || (conditions.batteryPercent ?? 100) <= Self.lowPercent
        let power = Hint.power(low: isLow, charging: conditions.charging)
        queue.async { [recorder, onError, conditions] in
            do {
                try recorder.setConditions(conditions)
                try recorder.hint(power)
            } catch {
                onError(error)
            }
        }
    }
}

extension Conditions {
    /// What a path of the platform says.
    init(path: NWPath) {
        if path.status != .satisfied {
            self.init(connection: .none)
        } else if path.usesInterfaceType(.wifi) || path.usesInterfaceType(.wiredEthernet) {
            self.init(connection: .wifi)
            // Another phone's hotspot.
            metered = path.isExpensive
        } else {
            self.init(connection: path.usesInterfaceType(.cellular) ? .cellular : .unknown)
        }
        dataSaver = path.isConstrained
    }
}
#endif
