import DemoModel
import Hexmile
import SwiftUI

/// Asks for what the driver's wishes need, and says why before the system asks.
struct PermissionSection: View {
    let automaticTrips: Bool
    @State private var permission: LocationPermission?
    @Binding var access: LocationAccess
    @AppStorage("askedAlways") private var askedAlways = false
    @Environment(\.openURL) private var openURL

    private var step: PermissionStep {
        PermissionStep(access, automaticTrips: automaticTrips, askedAlways: askedAlways)
    }

    var body: some View {
        Section {
            if step != .ready {
                Text(step.words)
                button
            }
        } header: {
            if step != .ready { Text("Location") }
        }
        .task {
            let permission = LocationPermission()
            self.permission = permission
            for await access in permission.accesses { self.access = access }
        }
    }

    @ViewBuilder private var button: some View {
        switch step {
        case .explainWhenInUse:
            Button("Continue") { permission?.askWhenInUse() }
        case .explainAlways:
            Button("Continue") {
                askedAlways = true
                permission?.askAlways()
            }
        case .explainPrecise:
            // The key of the reason in Info.plist.
            Button("Continue") { permission?.askPrecise(for: "Trip") }
            settings
        case .openSettings: settings
        case .restricted, .ready: EmptyView()
        }
    }

    private var settings: some View {
        Button("Open Settings") {
            if let url = URL(string: UIApplication.openSettingsURLString) { openURL(url) }
        }
    }
}
