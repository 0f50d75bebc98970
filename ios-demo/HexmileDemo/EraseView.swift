import DemoModel
import SwiftUI

/// What erasing means, and the button for it.
struct EraseView: View {
    let app: AppModel
    @State private var isAsking = false

    var body: some View {
        List {
            Section("On this phone, at once") {
                Text("Trips and pieces that were not sent, receipts, private places and places that were found.")
            }
            Section("At the server, once it answers") {
                Text("Your account and its phones, all pieces of your trips, and what was credited to you.")
            }
            Section("What stays") {
                Text(
                    """
                    Traffic that was published from many drivers together, and fingerprints in the public \
                    log that lead to nobody once the server has forgotten what they were made with.
                    """)
            }
            Section {
                Button("Erase everything", role: .destructive) { isAsking = true }
            } footer: {
                Text("Take your data away first, if you want it: nobody can bring it back.")
            }
        }
        .navigationTitle("Erase")
        .confirmationDialog("Erase everything?", isPresented: $isAsking, titleVisibility: .visible) {
            Button("Erase", role: .destructive) { Task { await app.erase() } }
        } message: {
            Text("This cannot be undone.")
        }
    }
}

/// The phone has forgotten; the server has not said so.
struct ErasingView: View {
    let app: AppModel

    var body: some View {
        VStack(spacing: 16) {
            if app.problem == nil { ProgressView() }
            Notice(
                title: "The server is asked to erase",
                words: """
                    This phone holds nothing of your trips any more. The app keeps asking the server until it \
                    confirms; you may close it, and open it again when there is a network.
                    """)
            ProblemRow(words: app.problem)
            if app.problem != nil { Button("Ask again") { Task { await app.erase() } } }
        }
        .padding()
    }
}

/// Nothing is left.
struct ErasedView: View {
    let app: AppModel

    var body: some View {
        VStack(spacing: 16) {
            Notice(title: "Erased", words: "The server has confirmed that it holds nothing of your account.")
            Button("Close", action: app.startAnew)
        }
        .padding()
    }
}
