import DemoModel
import SwiftUI

/// Writes what the driver takes away, and hands it to the share sheet.
struct ExportView: View {
    let export: ExportModel

    var body: some View {
        List {
            Section {
                ForEach(ExportModel.Kind.allCases, id: \.self) { kind in
                    Button(title(kind)) { Task { await export.write(kind) } }
                }
                .disabled(export.isWorking)
                if export.isWorking { ProgressView("Writing") }
                if let file = export.file {
                    ShareLink(item: file) { Label("Share \(file.lastPathComponent)", systemImage: "square.and.arrow.up") }
                }
                ProblemRow(words: export.problem)
            } footer: {
                Text("The file says where you were. It is deleted from this app when you leave this screen.")
            }
        }
        .navigationTitle("Take it away")
        .onDisappear { export.discard() }
    }

    private func title(_ kind: ExportModel.Kind) -> String {
        switch kind {
        case .trips: return "Trips on this phone (GPX)"
        case .phone: return "Everything on this phone (JSON)"
        case .server: return "Everything at the server (JSON)"
        }
    }
}
