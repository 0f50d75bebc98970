import HexmileFFI

/// A place on Earth.
public struct Place: Hashable, Sendable {
    /// Degrees, WGS 84.
    public var latitudeDeg: Double
    /// Degrees, WGS 84.
    public var longitudeDeg: Double

    /// A place, in degrees.
    public init(latitudeDeg: Double, longitudeDeg: Double) {
        self.latitudeDeg = latitudeDeg
        self.longitudeDeg = longitudeDeg
    }
}

/// An area of which nothing leaves the phone.
public enum Zone: Equatable, Sendable {
    /// The lasting zone of a known place, such as the driver's home: a large circle that does not have
    /// the place at its centre.
    case around(Place)
    /// A circle of a radius in metres.
    case circle(centre: Place, radiusM: Int)
    /// What a ring of corners encloses; the last is joined to the first.
    case polygon([Place])
}

/// Hours of every day in which nothing is recorded, in minutes after local midnight.
public struct QuietHours: Equatable, Sendable {
    /// First minute, 0 to 1439.
    public var fromMinute: Int
    /// First minute after, 0 to 1439; before `fromMinute` it is of the next day.
    public var untilMinute: Int

    /// Hours between two minutes of a day.
    public init(fromMinute: Int, untilMinute: Int) {
        self.fromMinute = fromMinute
        self.untilMinute = untilMinute
    }
}

extension Place {
    init(native: HexmileFFI.Place) {
        self.init(latitudeDeg: native.latitudeDeg, longitudeDeg: native.longitudeDeg)
    }

    var native: HexmileFFI.Place {
        HexmileFFI.Place(latitudeDeg: latitudeDeg, longitudeDeg: longitudeDeg)
    }
}

extension Zone {
    func native() throws -> HexmileFFI.Zone {
        switch self {
        case .around(let place): return .around(place: place.native)
        case .circle(let centre, let radiusM):
            return .circle(centre: centre.native, radiusM: try narrow("radiusM", radiusM))
        case .polygon(let corners): return .polygon(corners: corners.map(\.native))
        }
    }
}

extension QuietHours {
    func native() throws -> HexmileFFI.QuietHours {
        HexmileFFI.QuietHours(
            fromMinute: try narrow("fromMinute", fromMinute),
            untilMinute: try narrow("untilMinute", untilMinute))
    }
}

/// A number as the library takes it.
func narrow<T: FixedWidthInteger>(_ name: String, _ value: Int) throws -> T {
    guard let narrowed = T(exactly: value) else {
        throw HexmileError.argument("\(name): \(value) is out of range")
    }
    return narrowed
}
