import DemoModel
import SwiftUI
import WebKit

/// The server's own live map, as every browser shows it.
struct MapView: View {
    let server: ServerAddress
    @State private var loads = 0

    var body: some View {
        NavigationStack {
            Page(url: server.map)
                .id(loads)
                .ignoresSafeArea(edges: .horizontal)
                .toolbar {
                    Button("Load again", systemImage: "arrow.clockwise") { loads += 1 }
                }
                .navigationTitle("Live map")
                .navigationBarTitleDisplayMode(.inline)
        }
    }
}

private struct Page: UIViewRepresentable {
    let url: URL

    func makeUIView(context: Context) -> WKWebView {
        let settings = WKWebViewConfiguration()
        // The map knows nothing of its viewer, and keeps nothing.
        settings.websiteDataStore = .nonPersistent()
        let view = WKWebView(frame: .zero, configuration: settings)
        view.accessibilityLabel = "Map of live traffic"
        view.load(URLRequest(url: url))
        return view
    }

    func updateUIView(_ view: WKWebView, context: Context) {
        if view.url?.host() != url.host() { view.load(URLRequest(url: url)) }
    }
}
