#if canImport(BackgroundTasks) && !os(macOS)
import BackgroundTasks
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Uploads that the system carries out also while the app is suspended or ended, at its own time: for
/// draining, not for a live trip.
///
/// An answer to an upload that an ended app began is nobody's: the recorder sends those traces again, and
/// the server answers with the receipts that it gave before.
public final class BackgroundTransport: Transport {
    /// Where it sends to.
    public let server: URL
    private let session: URLSession
    private let exchanges: Exchanges
    private let foreground: URLSessionTransport

    /// A transport to a server.
    ///
    /// - Parameters:
    ///   - server: the server's address, such as `https://hexmile.example`.
    ///   - identifier: the session's, one per app and transport.
    public init(server: URL, identifier: String = "org.hexmile.uploads") {
        self.server = server
        let settings = URLSessionConfiguration.background(withIdentifier: identifier)
        settings.sessionSendsLaunchEvents = true
        settings.isDiscretionary = false
        exchanges = Exchanges(answerLimitBytes: 4 << 20)
        session = URLSession(configuration: settings, delegate: exchanges, delegateQueue: nil)
        foreground = URLSessionTransport(server: server)
    }

    /// Hands over what the system gave to `application(_:handleEventsForBackgroundURLSession:)`; it is
    /// called when all answers were taken.
    public func handleEvents(completion: @escaping @Sendable () -> Void) {
        exchanges.whenFinished(completion)
    }

    public func send(_ request: Request) async throws -> Answer {
        // The system takes files alone over from the app.
        guard let body = request.body else { return try await foreground.send(request) }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).hexmile")
        // Readable while the phone is locked, from the first unlock on.
        try body.write(to: file, options: [.completeFileProtectionUntilFirstUserAuthentication])
        defer { try? FileManager.default.removeItem(at: file) }
        var upload = try request.urlRequest(to: server)
        upload.httpBody = nil
        return try await exchanges.run(session.uploadTask(with: upload, fromFile: file))
    }
}

#endif
