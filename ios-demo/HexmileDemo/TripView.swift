import DemoModel
import Hexmile
import SwiftUI

/// The trip under way, and what becomes of it.
struct TripView: View {
    let app: AppModel
    let driver: DriverModel
    @State private var access = LocationAccess(.notAsked)

    var body: some View {
        NavigationStack {
            List {
                PermissionSection(automaticTrips: app.settings.automaticTrips, access: $access)
                Section { trip }
                if driver.status.recording || driver.status.fixesKept > 0 {
                    Section("Positions since the app was opened") { fixes }
                }
                Section("Uploads") { uploads }
                if let trouble = driver.trouble {
                    Section {
                        ProblemRow(words: trouble)
                        Button("Dismiss", action: driver.dismissTrouble)
                    }
                }
            }
            .navigationTitle("Trip")
        }
    }

    @ViewBuilder private var trip: some View {
        if driver.status.recording {
            LabeledContent("Speed", value: speed)
                .font(.title2)
            LabeledContent("Distance", value: distance)
            if let started = driver.status.trip?.started {
                LabeledContent("Since") { Text(started, style: .time) }
            }
        } else {
            Text("No trip is under way.").foregroundStyle(.secondary)
        }
        if driver.startsByHand {
            Button(driver.status.recording ? "Stop the trip" : "Start a trip", action: startOrStop)
                .disabled(!driver.status.recording && !access.mayRecord)
                .accessibilityHint(
                    driver.status.recording ? "Recording ends" : "The phone's location is recorded from now on")
        } else {
            Text(driver.status.motion == .parked ? "Waits until you drive off." : "Looks whether this is a drive.")
                .foregroundStyle(.secondary)
        }
    }

    @ViewBuilder private var fixes: some View {
        LabeledContent("Kept", value: driver.status.fixesKept, format: .number)
        LabeledContent("Held back at the trip's end", value: driver.status.trip?.fixesHeld ?? 0, format: .number)
        ForEach(driver.status.fixesDropped.sorted { $0.key < $1.key }, id: \.key) { code, count in
            LabeledContent("Left out: \(Words.drop(code))", value: count, format: .number)
        }
        if driver.status.placesLocked {
            Text("Your private places cannot be read before the phone is unlocked: nothing is kept until then.")
        }
    }

    @ViewBuilder private var uploads: some View {
        Text(driver.uploads.words)
        if case .waiting(_, _, let until?) = driver.uploads {
            LabeledContent("Next try") { Text(until, style: .time) }
        }
        if !app.settings.isEnrolled {
            Text("The server does not know this phone yet; the app goes on asking.")
                .foregroundStyle(.secondary)
        }
        LabeledContent("On this phone", value: Int64(driver.status.journalBytes), format: .byteCount(style: .file))
        LabeledContent("Sent", value: Int64(driver.status.bytesUploaded), format: .byteCount(style: .file))
    }

    private var speed: String {
        guard let speedMps = driver.fix?.speedMps else { return "not known" }
        return Measurement(value: speedMps, unit: UnitSpeed.metersPerSecond)
            .formatted(.measurement(width: .abbreviated, numberFormatStyle: .number.precision(.fractionLength(0))))
    }

    private var distance: String {
        Measurement(value: driver.distanceKm, unit: UnitLength.kilometers)
            .formatted(.measurement(width: .abbreviated, numberFormatStyle: .number.precision(.fractionLength(1))))
    }

    private func startOrStop() {
        Task { if driver.status.recording { await driver.stopTrip() } else { await driver.startTrip() } }
    }
}
