import HexmileFFI

/// How soon traces leave.
public enum UploadMode: Sendable {
    /// As soon as they are sealed.
    case live
    /// Together: the cellular radio is woken up at most four times an hour.
    case economy
}

/// What the driver and the app allow.
public struct UploadRules: Equatable, Sendable {
    /// How soon traces leave.
    public var mode: UploadMode
    /// Only over Wi-Fi, or a cable, that is not metered.
    public var wifiOnly = false
    /// Over a cellular network abroad, too.
    public var onRoaming = false
    /// Battery below which nothing leaves unless it charges, 0 to 100.
    public var minBatteryPercent = 15
    /// Bytes that all requests of a day may take on cellular and metered connections; `nil` for any
    /// number.
    public var cellularBytesPerDay: Int?
    /// The same of 31 days.
    public var cellularBytesPerMonth: Int?

    /// Rules of a mode; the rest is as drivers mostly want it.
    public init(mode: UploadMode = .live) {
        self.mode = mode
    }
}

/// How the phone reaches the Internet.
public enum Connection: Sendable {
    /// Not known; taken for cellular.
    case unknown
    /// It does not.
    case none
    /// Wi-Fi, or a cable.
    case wifi
    /// A cellular network.
    case cellular
}

/// What the app knows of the phone.
public struct Conditions: Equatable, Sendable {
    /// How it reaches the Internet.
    public var connection: Connection
    /// Whether a Wi-Fi is paid by volume: it counts as cellular.
    public var metered = false
    /// Whether the cellular network is a foreign one.
    public var roaming = false
    /// 0 to 100, where it is known.
    public var batteryPercent: Int?
    /// Whether the battery charges.
    public var charging = false
    /// Whether the driver asked the phone to spare its battery.
    public var lowPowerMode = false
    /// Whether the driver asked apps to spare the data plan.
    public var dataSaver = false

    /// Conditions of a connection; nothing else is known.
    public init(connection: Connection = .unknown) {
        self.connection = connection
    }
}

extension Recorder {
    /// The phone's connection, battery or settings are now these. Call it when one of them changes, and
    /// when the app comes to life; what waited for them leaves.
    ///
    /// - Throws: ``HexmileError/argument(_:)``.
    public func setConditions(_ conditions: Conditions) throws {
        let conditions = try conditions.native()
        try act { $0.setConditions(conditions: conditions, moment: self.moment()) }
    }

    /// The driver wants uploads by other rules from now on.
    ///
    /// - Throws: ``HexmileError/argument(_:)``.
    public func setUploadRules(_ rules: UploadRules) throws {
        let rules = try rules.native()
        try act { $0.setUploadRules(rules: rules, moment: self.moment()) }
    }
}

extension UploadRules {
    fileprivate func native() throws -> HexmileFFI.UploadRules {
        HexmileFFI.UploadRules(
            mode: mode == .live ? .live : .economy, wifiOnly: wifiOnly, onRoaming: onRoaming,
            minBatteryPercent: try percent("minBatteryPercent", minBatteryPercent),
            cellularBytesPerDay: try cellularBytesPerDay.map { try narrow("cellularBytesPerDay", $0) },
            cellularBytesPerMonth: try cellularBytesPerMonth.map { try narrow("cellularBytesPerMonth", $0) })
    }
}

extension Conditions {
    fileprivate func native() throws -> HexmileFFI.Conditions {
        HexmileFFI.Conditions(
            connection: connection.native, metered: metered, roaming: roaming,
            batteryPercent: try batteryPercent.map { try percent("batteryPercent", $0) },
            charging: charging, lowPowerMode: lowPowerMode, dataSaver: dataSaver)
    }
}

extension Connection {
    fileprivate var native: HexmileFFI.Connection {
        switch self {
        case .unknown: return .unknown
        case .none: return .none
        case .wifi: return .wifi
        case .cellular: return .cellular
        }
    }
}

private func percent(_ name: String, _ value: Int) throws -> UInt8 {
    guard (0...100).contains(value) else {
        throw HexmileError.argument("\(name): \(value) is no percentage")
    }
    return UInt8(value)
}
