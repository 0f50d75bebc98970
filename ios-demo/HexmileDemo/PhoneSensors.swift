import DemoModel
import Hexmile

/// The package's adapters of one recorder, as the app's settings need them.
@MainActor
final class PhoneSensors: Sensors {
    private let recorder: Recorder
    private let location: LocationSource
    private let conditions: PhoneConditions
    private let motion: MotionHints
    private let car: CarHints
    private var isAutomatic = false

    init(recorder: Recorder, onError: @escaping @Sendable (any Error) -> Void) {
        self.recorder = recorder
        location = LocationSource(recorder: recorder, onError: onError)
        conditions = PhoneConditions(recorder: recorder, onError: onError)
        motion = MotionHints(recorder: recorder, onError: onError)
        car = CarHints(recorder: recorder, onError: onError)
    }

    var fixes: AsyncStream<Fix> { location.fixes }

    func open(automaticTrips: Bool) {
        isAutomatic = automaticTrips
        conditions.start()
        guard automaticTrips else { return }
        location.follow(recorder)
        motion.start()
        car.start()
    }

    func tripBegan() {
        // Where trips begin by themselves, the recorder asks for what it needs.
        if !isAutomatic { location.start() }
    }

    func tripEnded() {
        if !isAutomatic { location.stop() }
    }

    func endDrives() {
        location.stop()
        motion.stop()
        car.stop()
    }

    func close() {
        endDrives()
        conditions.stop()
    }
}
