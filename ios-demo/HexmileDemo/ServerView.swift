import DemoModel
import SwiftUI

/// Where contributions go.
struct ServerView: View {
    let app: AppModel
    @State private var address = ""
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        Form {
            Section {
                TextField("Server's address", text: $address, prompt: Text("https://hexmile.example"))
                    .textContentType(.URL)
                    .keyboardType(.URL)
                    .textInputAutocapitalization(.never)
                    .autocorrectionDisabled()
                    .onSubmit(use)
                ProblemRow(words: app.problem)
                Button("Use this server", action: use)
                    .disabled(app.isBusy || address.isEmpty)
            } footer: {
                Text(
                    """
                    The server of the network that you want to contribute to. Its operator gets what you \
                    record; nothing is sent before you agree. A trip under way ends, and what waits for \
                    another server waits until that one is set again.
                    """)
            }
        }
        .navigationTitle("Server")
        .onAppear { address = app.settings.server?.url.absoluteString ?? "" }
    }

    private func use() {
        Task {
            await app.setServer(address)
            if app.problem == nil { dismiss() }
        }
    }
}
