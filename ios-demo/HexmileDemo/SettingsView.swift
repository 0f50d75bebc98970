import DemoModel
import Hexmile
import SwiftUI

/// The driver's choices, and the ways out.
struct SettingsView: View {
    let app: AppModel
    let driver: DriverModel
    @State private var isWithdrawing = false
    @State private var access = LocationAccess(.notAsked)

    var body: some View {
        NavigationStack {
            List {
                Section {
                    Toggle("Trips begin by themselves", isOn: choice(app.settings.automaticTrips, app.setAutomaticTrips))
                    Toggle("Upload over Wi-Fi only", isOn: choice(app.settings.wifiOnly, app.setWifiOnly))
                    .disabled(app.isBusy)
                } footer: {
                    Text("Trips that begin by themselves need the location always; it costs more of the battery.")
                }
                PermissionSection(automaticTrips: app.settings.automaticTrips, access: $access)
                Section("Server") {
                    NavigationLink(app.settings.server?.url.absoluteString ?? "Choose one") { ServerView(app: app) }
                    if let network = app.settings.network { LabeledContent("Network", value: network.name) }
                }
                Section("Your data") {
                    NavigationLink("Take it away") { ExportView(export: driver.export) }
                    NavigationLink("What you agreed to") { AgreedView() }
                    Button("Withdraw") { isWithdrawing = true }
                    NavigationLink("Erase everything") { EraseView(app: app) }
                }
                ProblemRow(words: app.problem)
            }
            .navigationTitle("Settings")
            .confirmationDialog("Withdraw your consent?", isPresented: $isWithdrawing, titleVisibility: .visible) {
                Button("Withdraw", role: .destructive) { Task { await app.withdraw() } }
            } message: {
                Text("Recording ends at once, and a trip that is open is forgotten. What the server has stays until you erase it.")
            }
        }
    }

    private func choice(_ now: Bool, _ change: @escaping @MainActor (Bool) async -> Void) -> Binding<Bool> {
        Binding(get: { now }, set: { chosen in Task { await change(chosen) } })
    }
}

/// The text that was agreed to, to be read again.
private struct AgreedView: View {
    var body: some View {
        List(Consent.points) { point in
            Section(point.question) { Text(point.answer) }
        }
        .navigationTitle("What you agreed to")
    }
}
