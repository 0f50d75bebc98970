import Foundation

public typealias CLLocationDegrees = Double
public typealias CLLocationAccuracy = Double
public typealias CLLocationDistance = Double

public let kCLLocationAccuracyBest: CLLocationAccuracy = -1
public let kCLLocationAccuracyHundredMeters: CLLocationAccuracy = 100
public let kCLDistanceFilterNone: CLLocationDistance = -1

public struct CLLocationCoordinate2D: Sendable {
    public var latitude: CLLocationDegrees
    public var longitude: CLLocationDegrees
}

public class CLLocationSourceInformation: NSObject, @unchecked Sendable {
    public var isSimulatedBySoftware: Bool { false }
    public var isProducedByAccessory: Bool { false }
}

public class CLLocation: NSObject, @unchecked Sendable {
    public var coordinate: CLLocationCoordinate2D { .init(latitude: 0, longitude: 0) }
    public var altitude: CLLocationDistance { 0 }
    public var horizontalAccuracy: CLLocationAccuracy { 0 }
    public var verticalAccuracy: CLLocationAccuracy { 0 }
    public var course: Double { 0 }
    public var speed: Double { 0 }
    public var timestamp: Date { Date() }
    public var sourceInformation: CLLocationSourceInformation? { nil }
}

public struct CLError: Error {
    public enum Code: Sendable { case locationUnknown, denied }
    public var code: Code
}

public enum CLActivityType: Sendable { case other, automotiveNavigation }

public enum CLAuthorizationStatus: Int32, Sendable {
    case notDetermined, restricted, denied, authorizedAlways, authorizedWhenInUse
}

public enum CLAccuracyAuthorization: Int, Sendable { case fullAccuracy, reducedAccuracy }

open class CLRegion: NSObject, @unchecked Sendable {
    public var identifier: String { "" }
    public var notifyOnEntry = true
}

open class CLCircularRegion: CLRegion, @unchecked Sendable {
    public init(center: CLLocationCoordinate2D, radius: CLLocationDistance, identifier: String) {}
}

public protocol CLLocationManagerDelegate: NSObjectProtocol {
    func locationManager(_ manager: CLLocationManager, didUpdateLocations locations: [CLLocation])
    func locationManager(_ manager: CLLocationManager, didFailWithError error: any Error)
    func locationManager(_ manager: CLLocationManager, didExitRegion region: CLRegion)
    func locationManagerDidChangeAuthorization(_ manager: CLLocationManager)
}

// Apple's are optional.
extension CLLocationManagerDelegate {
    public func locationManager(_ manager: CLLocationManager, didUpdateLocations locations: [CLLocation]) {}
    public func locationManager(_ manager: CLLocationManager, didFailWithError error: any Error) {}
    public func locationManager(_ manager: CLLocationManager, didExitRegion region: CLRegion) {}
    public func locationManagerDidChangeAuthorization(_ manager: CLLocationManager) {}
}

// Apple's is not Sendable either.
open class CLLocationManager: NSObject {
    public weak var delegate: (any CLLocationManagerDelegate)?
    public var desiredAccuracy: CLLocationAccuracy = 0
    public var distanceFilter: CLLocationDistance = 0
    public var activityType = CLActivityType.other
    public var pausesLocationUpdatesAutomatically = true
    public var allowsBackgroundLocationUpdates = false
    public var showsBackgroundLocationIndicator = false
    public var authorizationStatus: CLAuthorizationStatus { .notDetermined }
    public var accuracyAuthorization: CLAccuracyAuthorization { .fullAccuracy }
    public var location: CLLocation? { nil }
    public var monitoredRegions: Set<CLRegion> { [] }
    public class func isMonitoringAvailable(for regionClass: AnyClass) -> Bool { false }
    public func requestWhenInUseAuthorization() {}
    public func requestAlwaysAuthorization() {}
    public func requestTemporaryFullAccuracyAuthorization(withPurposeKey purposeKey: String) {}
    public func startUpdatingLocation() {}
    public func stopUpdatingLocation() {}
    public func startMonitoringSignificantLocationChanges() {}
    public func stopMonitoringSignificantLocationChanges() {}
    public func startMonitoring(for region: CLRegion) {}
    public func stopMonitoring(for region: CLRegion) {}
}
