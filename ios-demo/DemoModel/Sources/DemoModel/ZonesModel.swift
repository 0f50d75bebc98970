import Foundation
import Hexmile
import Observation

/// Places of which nothing leaves the phone: those that the driver named, and those that were learned.
@MainActor
@Observable
public final class ZonesModel {
    /// Named by the driver.
    public private(set) var places: [PrivatePlace] = []
    /// Found by coming back to them.
    public private(set) var learned: [Place] = []
    /// What went wrong last, in words.
    public private(set) var problem: String?

    @ObservationIgnored private let recorder: Recorder
    @ObservationIgnored private let keys: Keys

    init(recorder: Recorder, keys: Keys) {
        self.recorder = recorder
        self.keys = keys
    }

    /// Reads what there is.
    public func load() async {
        await change { _ in }
    }

    /// Adds a place.
    public func add(_ name: String, at place: Place) async {
        await change { $0.append(PrivatePlace(name: name, place: place)) }
    }

    /// Adds a place by what the driver typed. False where that is none.
    public func add(_ name: String, latitude: String, longitude: String) async -> Bool {
        do {
            await add(name, at: try Coordinates.place(latitude: latitude, longitude: longitude))
            return problem == nil
        } catch {
            problem = Words.error(error)
            return false
        }
    }

    /// Forgets a place that the driver named. Trips of before stay as they were cut.
    public func remove(_ place: PrivatePlace) async {
        await change { $0.removeAll { $0.id == place.id } }
    }

    /// Forgets a place that was learned; who comes back to it teaches it again.
    public func forget(_ place: Place) async {
        await change { [recorder] _ in try recorder.forgetPlace(place) }
    }

    /// The recorder has the new places before they are kept: a place that it does not take is none.
    private func change(_ edit: @escaping @Sendable (inout [PrivatePlace]) throws -> Void) async {
        do {
            (places, learned) = try await Work.run { [recorder, keys] in
                let before = try keys.privatePlaces()
                var places = before
                try edit(&places)
                if places != before {
                    let secret = try keys.zonesSecret()
                    let hide = { (places: [PrivatePlace]) in
                        try recorder.setPrivacy(secret: secret, zones: places.map { .around($0.place) })
                    }
                    try hide(places)
                    do {
                        try keys.keep(places)
                    } catch {
                        // What is still shown as private must be.
                        try hide(before)
                        throw error
                    }
                }
                return (places, try recorder.knownPlaces())
            }
            problem = nil
        } catch {
            problem = Words.error(error)
        }
    }
}
