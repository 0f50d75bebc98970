import Foundation
import HexmileFFI

/// What the platform noticed.
public enum Hint: Equatable, Sendable {
    /// The motion sensor woke, the platform saw a significant change of place, or the phone left the
    /// region around the place where it was parked.
    case moved
    /// The platform takes its bearer to stay.
    case still
    /// To walk or run.
    case onFoot
    /// To be in a vehicle.
    case inVehicle
    /// The phone connected to a car, or lost it.
    case car(connected: Bool)
    /// The battery changed: whether it is low, by the platform's own measure, and whether it is charged.
    case power(low: Bool, charging: Bool)
}

/// Where the phone is in the life of a drive.
public enum MotionState: Sendable {
    /// No drive, and no satellites.
    case parked
    /// Something moved: looking whether it is a drive.
    case starting
    /// A drive.
    case driving
}

/// Which locations to ask the platform for.
public struct LocationRequest: Equatable, Sendable {
    /// Time between two fixes, seconds; 0 for no location at all.
    public let intervalS: TimeInterval
    /// Whether satellites are wanted, or what Wi-Fi and cell towers tell is enough.
    public let satellites: Bool

    /// A request for fixes.
    public init(intervalS: TimeInterval, satellites: Bool) {
        self.intervalS = intervalS
        self.satellites = satellites
    }
}

extension Hint {
    var native: HexmileFFI.Hint {
        switch self {
        case .moved: return .moved
        case .still: return .still
        case .onFoot: return .onFoot
        case .inVehicle: return .inVehicle
        case .car(let connected): return .car(connected: connected)
        case .power(let low, let charging): return .power(low: low, charging: charging)
        }
    }
}

extension MotionState {
    init(native: HexmileFFI.MotionState) {
        switch native {
        case .parked: self = .parked
        case .starting: self = .starting
        case .driving: self = .driving
        }
    }
}

extension LocationRequest {
    init(native: HexmileFFI.LocationRequest) {
        self.init(intervalS: Double(native.intervalMs) / 1000, satellites: native.satellites)
    }
}
