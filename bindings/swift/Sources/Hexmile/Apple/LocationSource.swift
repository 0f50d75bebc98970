#if canImport(CoreLocation)
import CoreLocation
import Foundation

/// Feeds a recorder from Core Location. The app asks for permission (``LocationPermission``); without it
/// nothing comes.
///
/// Where the recorder follows motion, it says which locations it wants. While it wants none, two things
/// that cost next to nothing wake it, and start the app again where the system had ended it: leaving the
/// place where the phone was parked, and a significant change of place. Both need the permission for always.
/// Such an app makes recorder and source as it launches, and calls ``follow(_:)`` before
/// ``Recorder/grantConsent()``, also where the system launched it for a location.
@MainActor
public final class LocationSource {
    /// Names the place where the phone was parked to the system.
    private static let parked = "org.hexmile.parked"
    /// How far from there the system is to say so, metres; it takes less for this much.
    private static let leftM: CLLocationDistance = 100

    private let manager = CLLocationManager()
    private let listener: LocationListener
    private var wishes: Task<Void, Never>?

    /// A source for a recorder.
    ///
    /// - Parameters:
    ///   - recorder: who is told.
    ///   - onError: told of what the recorder throws, and of what Core Location says, on no thread in
    ///     particular.
    public init(recorder: Recorder, onError: @escaping @Sendable (any Error) -> Void = { _ in }) {
        listener = LocationListener(recorder: recorder, onError: onError)
        manager.delegate = listener
        manager.activityType = .automotiveNavigation
        manager.pausesLocationUpdatesAutomatically = false
        #if !os(macOS)
        // The system ends an app that sets it without the background mode.
        let modes = Bundle.main.object(forInfoDictionaryKey: "UIBackgroundModes") as? [String]
        manager.allowsBackgroundLocationUpdates = modes?.contains("location") ?? false
        manager.showsBackgroundLocationIndicator = true
        #endif
    }

    /// Fixes as they come, for a screen; the recorder has them already. Who is slow sees the newest.
    public var fixes: AsyncStream<Fix> { listener.fixes.stream(keeping: 1) }

    /// Asks for locations until ``stop()``; for trips that the app begins and ends. Where the driver allowed
    /// locations always, an app that was ended meanwhile is launched again by the next significant change of
    /// place, and takes the trip up (``Event/tripResumed(trip:)``).
    public func start() {
        manager.startMonitoringSignificantLocationChanges()
        apply(LocationRequest(intervalS: 1, satellites: true))
    }

    /// Asks for what the recorder wants until ``stop()``; for a recorder that follows motion.
    public func follow(_ recorder: Recorder) {
        wishes?.cancel()
        manager.startMonitoringSignificantLocationChanges()
        let events = recorder.events
        wishes = Task { [weak self] in
            for await event in events {
                // What was on its way when it was stopped must not begin anew.
                guard let self, !Task.isCancelled else { return }
                if case .locate(let request) = event { apply(request) }
            }
        }
    }

    /// Asks for no location any more.
    public func stop() {
        wishes?.cancel()
        wishes = nil
        manager.stopMonitoringSignificantLocationChanges()
        apply(LocationRequest(intervalS: 0, satellites: false))
    }

    private func apply(_ request: LocationRequest) {
        listener.isRecording = request.intervalS > 0
        // The platform decides how often; the recorder drops what comes too soon.
        manager.desiredAccuracy =
            request.satellites ? kCLLocationAccuracyBest : kCLLocationAccuracyHundredMeters
        manager.distanceFilter = kCLDistanceFilterNone
        watchParkingPlace(wishes != nil && request.intervalS == 0)
        if request.intervalS > 0 {
            manager.startUpdatingLocation()
        } else {
            manager.stopUpdatingLocation()
        }
    }

    private func watchParkingPlace(_ isParked: Bool) {
        for region in manager.monitoredRegions where region.identifier == Self.parked {
            manager.stopMonitoring(for: region)
        }
        guard isParked, let place = manager.location,
            CLLocationManager.isMonitoringAvailable(for: CLCircularRegion.self)
        else { return }
        let region = CLCircularRegion(center: place.coordinate, radius: Self.leftM, identifier: Self.parked)
        region.notifyOnEntry = false
        manager.startMonitoring(for: region)
    }
}

/// Hands locations to the recorder, in their order and off the main thread.
private final class LocationListener: NSObject, CLLocationManagerDelegate, Sendable {
    let fixes = Broadcast<Fix>()
    private let recorder: Recorder
    private let onError: @Sendable (any Error) -> Void
    private let queue = DispatchQueue(label: "org.hexmile.locations", qos: .utility)
    private let recording = Guarded(false)

    init(recorder: Recorder, onError: @escaping @Sendable (any Error) -> Void) {
        self.recorder = recorder
        self.onError = onError
    }

    deinit {
        fixes.finish()
    }

    var isRecording: Bool {
        get { recording.use { $0 } }
        set { recording.use { $0 = newValue } }
    }

    func locationManager(_ manager: CLLocationManager, didUpdateLocations locations: [CLLocation]) {
        let fixes = locations.compactMap(Fix.init(location:))
        // While none is wanted, one says that the phone is elsewhere.
        guard isRecording else { return tell { try $0.hint(.moved) } }
        tell { [told = self.fixes] recorder in
            try recorder.record(fixes)
            fixes.last.map(told.tell)
        }
    }

    func locationManager(_ manager: CLLocationManager, didExitRegion region: CLRegion) {
        tell { try $0.hint(.moved) }
    }

    func locationManager(_ manager: CLLocationManager, didFailWithError error: any Error) {
        switch (error as? CLError)?.code {
        // No location right now is no failure: the manager goes on.
        case .locationUnknown: return
        // ``LocationPermission`` tells what the driver allowed.
        case .denied: return
        default: onError(error)
        }
    }

    private func tell(_ call: @escaping @Sendable (Recorder) throws -> Void) {
        queue.async { [recorder, onError] in
            do {
                try call(recorder)
            } catch {
                onError(error)
            }
        }
    }
}

extension Fix {
    /// A location of the platform, or `nil` where it has none; what it marks as invalid is unknown.
    public init?(location: CLLocation) {
        guard location.horizontalAccuracy >= 0 else { return nil }
        let source = location.sourceInformation
        self.init(
            time: location.timestamp,
            latitudeDeg: location.coordinate.latitude, longitudeDeg: location.coordinate.longitude,
            accuracyM: location.horizontalAccuracy,
            speedMps: location.speed >= 0 ? location.speed : nil,
            courseDeg: location.course >= 0 ? location.course : nil,
            altitudeM: location.verticalAccuracy > 0 ? location.altitude : nil,
            mock: source?.isSimulatedBySoftware ?? false,
            provider: source?.isProducedByAccessory == true ? .gnss : .fused)
    }
}
#endif
