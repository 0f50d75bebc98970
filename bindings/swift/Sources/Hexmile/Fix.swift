import Foundation
import HexmileFFI

/// Where a fix came from.
public enum FixProvider: Sendable {
    /// Not told.
    case unknown
    /// Satellites.
    case gnss
    /// The platform's fusion.
    case fused
    /// Wi-Fi or cell towers.
    case network
}

/// A fix as the platform reports it; what it does not know is `nil`.
public struct Fix: Equatable, Sendable {
    /// When it was captured.
    public var time: Date
    /// Degrees, WGS 84.
    public var latitudeDeg: Double
    /// Degrees, WGS 84.
    public var longitudeDeg: Double
    /// Horizontal accuracy, metres.
    public var accuracyM: Double?
    /// Metres per second.
    public var speedMps: Double?
    /// Degrees clockwise from true north.
    public var courseDeg: Double?
    /// Metres.
    public var altitudeM: Double?
    /// The platform's mock flag.
    public var mock: Bool
    /// Where it came from.
    public var provider: FixProvider

    /// A fix of what the platform knows.
    public init(
        time: Date, latitudeDeg: Double, longitudeDeg: Double, accuracyM: Double? = nil,
        speedMps: Double? = nil, courseDeg: Double? = nil, altitudeM: Double? = nil,
        mock: Bool = false, provider: FixProvider = .unknown
    ) {
        self.time = time
        self.latitudeDeg = latitudeDeg
        self.longitudeDeg = longitudeDeg
        self.accuracyM = accuracyM
        self.speedMps = speedMps
        self.courseDeg = courseDeg
        self.altitudeM = altitudeM
        self.mock = mock
        self.provider = provider
    }
}

/// What became of a fix.
public enum Recorded: Equatable, Sendable {
    /// It joined a trace to be.
    case kept
    /// It waits until enough of the trip lies behind it.
    case held
    /// It is gone, and counted; `reason` is a stable code.
    case dropped(reason: String)
}

/// What became of fixes that came together.
public struct Batch: Equatable, Sendable {
    /// Fixes that joined a trace to be.
    public var kept = 0
    /// Fixes that wait until enough of the trip lies behind them.
    public var held = 0
    /// Fixes that are gone; ``Status/fixesDropped`` says why.
    public var dropped = 0

    /// Counts of fixes.
    public init(kept: Int = 0, held: Int = 0, dropped: Int = 0) {
        self.kept = kept
        self.held = held
        self.dropped = dropped
    }

    /// What the packed call answers: three counts of 21 bits, the lowest first.
    init(counts: UInt64) {
        func count(_ place: UInt64) -> Int { Int(counts >> (21 * place) & 0x1f_ffff) }
        self.init(kept: count(0), held: count(1), dropped: count(2))
    }

    static func += (sum: inout Batch, more: Batch) {
        sum.kept += more.kept
        sum.held += more.held
        sum.dropped += more.dropped
    }
}

extension HexmileFFI.Recorder {
    /// Hands a fix over, as bare numbers: those cross the border cheapest.
    func record(_ fix: Fix, now: Date) -> Recorded {
        let recorded = record(
            timeMs: fix.time.unixMs, latitudeDeg: fix.latitudeDeg, longitudeDeg: fix.longitudeDeg,
            accuracyM: fix.accuracyM ?? .nan, speedMps: fix.speedMps ?? .nan, courseDeg: fix.courseDeg ?? .nan,
            altitudeM: fix.altitudeM ?? .nan, mock: fix.mock, provider: fix.provider.code, nowMs: now.clockMs)
        switch recorded {
        case 0: return .kept
        case 1: return .held
        default:
            let place = Int(recorded) - 2
            return .dropped(reason: place < reasons.count ? reasons[place] : "unknown")
        }
    }
}

/// Why fixes are dropped, in the order in which the library counts them.
private let reasons = dropReasons()

extension FixProvider {
    /// As the library takes it.
    var code: UInt8 {
        switch self {
        case .unknown: return 0
        case .gnss: return 1
        case .fused: return 2
        case .network: return 3
        }
    }
}

extension Date {
    /// Unix milliseconds to the nearest; a date that none can tell is the first or the last there is.
    var unixMs: Int64 {
        let ms = (timeIntervalSince1970 * 1000).rounded()
        if ms.isNaN { return .min }
        return Int64(exactly: ms) ?? (ms < 0 ? .min : .max)
    }

    /// Unix milliseconds of a clock; what is before 1970 is 1970.
    var clockMs: UInt64 { UInt64(max(0, unixMs)) }

    init(unixMs: UInt64) {
        self.init(timeIntervalSince1970: Double(unixMs) / 1000)
    }
}
