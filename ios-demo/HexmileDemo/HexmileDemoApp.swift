import DemoModel
import SwiftUI

@main
struct HexmileDemoApp: App {
    @UIApplicationDelegateAdaptor(Launch.self) private var launch
    @Environment(\.scenePhase) private var scenePhase

    var body: some Scene {
        WindowGroup {
            RootView(app: launch.app)
                .task { await launch.app.open() }
        }
        .onChange(of: scenePhase) {
            switch scenePhase {
            case .background: launch.scheduleDrain()
            // What could not be opened before may be by now.
            case .active: Task { await launch.app.open() }
            default: break
            }
        }
    }
}
