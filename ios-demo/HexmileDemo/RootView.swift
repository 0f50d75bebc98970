import DemoModel
import SwiftUI

/// The step that the driver is at.
struct RootView: View {
    let app: AppModel

    var body: some View {
        switch app.phase {
        case .starting:
            ProgressView("Opening")
        case .locked:
            Notice(title: "Locked", words: app.problem ?? "Unlock the phone once, then the app can open.")
        case .needsServer:
            NavigationStack { ServerView(app: app) }
        case .needsConsent:
            NavigationStack { ConsentView(app: app) }
        case .ready:
            if let driver = app.driver { DriverView(app: app, driver: driver) }
        case .erasing:
            ErasingView(app: app)
        case .erased:
            ErasedView(app: app)
        }
    }
}

/// The screens of a driver who has agreed.
private struct DriverView: View {
    let app: AppModel
    let driver: DriverModel

    var body: some View {
        TabView {
            TripView(app: app, driver: driver)
                .tabItem { Label("Trip", systemImage: "car") }
            ReceiptsView(driver: driver)
                .tabItem { Label("Receipts", systemImage: "checklist") }
            if let server = app.settings.server {
                MapView(server: server)
                    .tabItem { Label("Map", systemImage: "map") }
            }
            PlacesView(driver: driver)
                .tabItem { Label("Places", systemImage: "house") }
            SettingsView(app: app, driver: driver)
                .tabItem { Label("Settings", systemImage: "gearshape") }
        }
        // A recorder that was opened anew has screens of its own.
        .id(ObjectIdentifier(driver))
    }
}

/// A screen that says one thing.
struct Notice: View {
    let title: String
    let words: String

    var body: some View {
        VStack(spacing: 12) {
            Text(title).font(.title2).accessibilityAddTraits(.isHeader)
            Text(words).multilineTextAlignment(.center).foregroundStyle(.secondary)
        }
        .padding()
    }
}

/// What went wrong, where something did.
struct ProblemRow: View {
    let words: String?

    var body: some View {
        if let words {
            Label(words, systemImage: "exclamationmark.triangle")
                .foregroundStyle(.red)
                .accessibilityLabel("Problem: \(words)")
        }
    }
}
