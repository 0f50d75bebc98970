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
            if scenePhase == .background { launch.scheduleDrain() }
        }
    }
}
