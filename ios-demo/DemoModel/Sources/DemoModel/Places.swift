import Foundation
import Hexmile

/// A place of which nothing leaves the phone.
public struct PrivatePlace: Codable, Equatable, Identifiable, Sendable {
    public let id: UUID
    /// The driver's word for it.
    public let name: String
    /// Degrees, WGS 84.
    public let latitudeDeg: Double
    /// Degrees, WGS 84.
    public let longitudeDeg: Double

    init(name: String, place: Place) {
        id = UUID()
        self.name = name
        latitudeDeg = place.latitudeDeg
        longitudeDeg = place.longitudeDeg
    }

    /// Where it is.
    public var place: Place { Place(latitudeDeg: latitudeDeg, longitudeDeg: longitudeDeg) }
}

/// Coordinates as a person types them.
public enum Coordinates {
    /// Which of the two is no coordinate.
    public enum Fault: Error, Equatable, Sendable {
        case latitude, longitude
    }

    /// Decimal degrees, with a point or a comma.
    ///
    /// - Throws: ``Fault``.
    public static func place(latitude: String, longitude: String) throws -> Place {
        guard let latitudeDeg = degrees(latitude, atMost: 90) else { throw Fault.latitude }
        guard let longitudeDeg = degrees(longitude, atMost: 180) else { throw Fault.longitude }
        return Place(latitudeDeg: latitudeDeg, longitudeDeg: longitudeDeg)
    }

    private static func degrees(_ text: String, atMost limit: Double) -> Double? {
        let plain = text.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: ",", with: ".")
        // `Double` takes "nan", "inf" and hexadecimal, too, which no person means.
        guard !plain.isEmpty, plain.allSatisfy({ "+-.0123456789".contains($0) }) else { return nil }
        return Double(plain).flatMap { abs($0) <= limit ? $0 : nil }
    }
}
