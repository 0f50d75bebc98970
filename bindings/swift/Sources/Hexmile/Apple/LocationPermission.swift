#if canImport(CoreLocation)
import CoreLocation
import Foundation

/// What the driver allowed of location, and asking for more.
///
/// An app says why before it asks, and asks step by step: while it is used, when a driver wants to record;
/// always, when trips are to begin by themselves. iOS shows each question once; after that only the
/// Settings change the answer, and ``access`` tells.
@MainActor
public final class LocationPermission {
    private let manager = CLLocationManager()
    private let listener = AccessListener()

    /// The platform's permission.
    public init() {
        manager.delegate = listener
    }

    /// What is allowed now.
    public var access: LocationAccess { LocationAccess(manager: manager) }

    /// What is allowed, now and whenever it changes.
    public var accesses: AsyncStream<LocationAccess> {
        listener.changed.stream(first: access, keeping: 1)
    }

    /// Asks for locations while the app is used; `NSLocationWhenInUseUsageDescription` is what the driver
    /// reads.
    public func askWhenInUse() {
        manager.requestWhenInUseAuthorization()
    }

    /// Asks for locations always, once those while it is used are allowed;
    /// `NSLocationAlwaysAndWhenInUseUsageDescription` is what the driver reads.
    public func askAlways() {
        manager.requestAlwaysAuthorization()
    }

    /// Asks for precise locations until the app is ended, where the driver allowed coarse ones.
    ///
    /// - Parameter key: of the reason in `NSLocationTemporaryUsageDescriptionDictionary`.
    public func askPrecise(for key: String) {
        manager.requestTemporaryFullAccuracyAuthorization(withPurposeKey: key)
    }
}

/// Hears of changed permissions.
private final class AccessListener: NSObject, CLLocationManagerDelegate, Sendable {
    let changed = Broadcast<LocationAccess>()

    deinit {
        changed.finish()
    }

    func locationManagerDidChangeAuthorization(_ manager: CLLocationManager) {
        changed.tell(LocationAccess(manager: manager))
    }
}

extension LocationAccess {
    fileprivate init(manager: CLLocationManager) {
        self.init(
            Grant(manager.authorizationStatus), isPrecise: manager.accuracyAuthorization == .fullAccuracy)
    }
}

extension LocationAccess.Grant {
    fileprivate init(_ status: CLAuthorizationStatus) {
        switch status {
        case .notDetermined: self = .notAsked
        case .restricted: self = .restricted
        case .authorizedWhenInUse: self = .whenInUse
        case .authorizedAlways: self = .always
        case .denied: self = .denied
        // What a later iOS says is not allowed until it is known.
        @unknown default: self = .denied
        }
    }
}
#endif
