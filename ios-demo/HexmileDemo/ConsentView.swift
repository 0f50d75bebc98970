import DemoModel
import SwiftUI

/// What the driver agrees to, before anything is recorded.
struct ConsentView: View {
    let app: AppModel

    var body: some View {
        List {
            ForEach(Consent.points) { point in
                Section(point.question) { Text(point.answer) }
            }
            Section("Where it goes") {
                Text(app.settings.server?.url.absoluteString ?? "")
                NavigationLink("Choose another server") { ServerView(app: app) }
            }
            Section {
                ProblemRow(words: app.problem)
                Button("I agree") { Task { await app.agree() } }
                    .disabled(app.isBusy)
                    .accessibilityHint("Nothing is recorded until you start a trip")
            } footer: {
                Text(
                    app.settings.isEnrolled
                        ? "If you do not agree, close the app: nothing more is recorded or sent."
                        : "If you do not agree, close the app: nothing was written or sent.")
            }
            if app.settings.isEnrolled {
                Section { NavigationLink("Erase everything") { EraseView(app: app) } }
            }
        }
        .navigationTitle("Before you start")
    }
}
