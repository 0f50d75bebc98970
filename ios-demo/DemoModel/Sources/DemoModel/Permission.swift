import Hexmile

extension LocationAccess {
    /// Whether a trip that the driver starts can be recorded.
    public var mayRecord: Bool { isPrecise && (grant == .whenInUse || grant == .always) }
}

/// The next step to the permissions that the driver's wishes need.
public enum PermissionStep: Equatable, Sendable {
    /// Say why, then ask for locations while the app is used.
    case explainWhenInUse
    /// Say why, then ask for locations always.
    case explainAlways
    /// Say why, then ask for precise ones.
    case explainPrecise
    /// Only the Settings can change it; say what to choose there.
    case openSettings
    /// The driver cannot change it.
    case restricted
    /// Everything is there.
    case ready

    /// - Parameters:
    ///   - access: what is allowed.
    ///   - automaticTrips: whether trips begin by themselves, also while the app is not open.
    ///   - askedAlways: whether the system was asked for always before; it shows that question once.
    public init(_ access: LocationAccess, automaticTrips: Bool, askedAlways: Bool = false) {
        switch access.grant {
        case .notAsked: self = .explainWhenInUse
        case .denied: self = .openSettings
        case .restricted: self = .restricted
        case .whenInUse, .always:
            if !access.isPrecise {
                self = .explainPrecise
            } else if automaticTrips && access.grant == .whenInUse {
                self = askedAlways ? .openSettings : .explainAlways
            } else {
                self = .ready
            }
        }
    }

    /// What the driver reads before the system asks, or instead of it.
    public var words: String {
        switch self {
        case .explainWhenInUse:
            return """
                A trip is a line of places: without your location there is nothing to record. iOS will ask \
                now. "Allow While Using App" is enough for trips that you start yourself; they go on with \
                the screen off, and a blue mark shows it.
                """
        case .explainAlways:
            return """
                You want trips to begin by themselves. For that iOS must be allowed to wake this app when \
                the phone starts to move: it will ask whether to change to "Always Allow". Without it, \
                start trips yourself; everything else works the same.
                """
        case .explainPrecise:
            return """
                iOS gives this app only a rough place, kilometres wide: no road can be told from that. It \
                will ask for the precise one until you close the app. To allow it for good, switch on \
                Precise Location in the Settings.
                """
        case .openSettings:
            return """
                iOS does not ask a second time. In the Settings, under Location, choose "While Using" for \
                trips that you start, or "Always" for trips that begin by themselves, with Precise Location \
                on. Without it nothing is recorded.
                """
        case .restricted:
            return """
                This phone is set up so that no app may use its location, by Screen Time or by whoever \
                manages it. Nothing can be recorded.
                """
        case .ready: return "Location is allowed as your settings need it."
        }
    }
}
