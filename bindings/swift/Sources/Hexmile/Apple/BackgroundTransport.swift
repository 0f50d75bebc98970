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
    private let uploads: BackgroundUploads
    private let foreground: URLSessionTransport

    /// A transport to a server.
    ///
    /// - Parameters:
    ///   - server: the server's address, such as `https://hexmile.example`.
    ///   - identifier: the session's, one per app; transports of one identifier share it.
    public init(server: URL, identifier: String = "org.hexmile.uploads") {
        self.server = server
        uploads = .named(identifier)
        foreground = URLSessionTransport(server: server)
    }

    /// Hands over what the system gave to `application(_:handleEventsForBackgroundURLSession:)`; it is
    /// called when all answers were taken.
    public func handleEvents(completion: @escaping @Sendable () -> Void) {
        uploads.exchanges.whenFinished(completion)
    }

    /// Takes back what the system was given and has not sent, also by an app that was ended meanwhile: for a
    /// driver who withdraws or wants to be erased.
    public static func takeBack(identifier: String = "org.hexmile.uploads") {
        BackgroundUploads.named(identifier).session.getAllTasks { tasks in
            for task in tasks { task.cancel() }
        }
    }

    public func send(_ request: Request) async throws -> Answer {
        // The system takes files alone over from the app.
        guard let body = request.body else { return try await foreground.send(request) }
        let file = try uploads.write(body)
        defer { try? FileManager.default.removeItem(at: file) }
        var upload = try request.urlRequest(to: server)
        upload.httpBody = nil
        let task = uploads.session.uploadTask(with: upload, fromFile: file)
        task.taskDescription = file.lastPathComponent
        return try await uploads.exchanges.run(task)
    }
}

/// A session of the system's, of which there may be one for each name in a process, and the bodies that it
/// sends.
private final class BackgroundUploads: Sendable {
    private static let all = Guarded<[String: BackgroundUploads]>([:])

    let session: URLSession
    let exchanges: Exchanges
    private let folder: URL

    static func named(_ identifier: String) -> BackgroundUploads {
        all.use { all in
            if let known = all[identifier] { return known }
            let new = BackgroundUploads(identifier)
            all[identifier] = new
            return new
        }
    }

    private init(_ identifier: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(identifier)
        self.folder = folder
        // Bodies are parts of trips: none stays when its upload is over, whoever began it.
        exchanges = Exchanges(answerLimitBytes: 4 << 20) { task in
            guard let name = task.taskDescription else { return }
            try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
        let settings = URLSessionConfiguration.background(withIdentifier: identifier)
        settings.sessionSendsLaunchEvents = true
        settings.isDiscretionary = false
        // Listed before the first of this process is written.
        let left = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        session = URLSession(configuration: settings, delegate: exchanges, delegateQueue: nil)
        session.getAllTasks { tasks in
            let wanted = Set(tasks.compactMap(\.taskDescription))
            for name in left where !wanted.contains(name) {
                try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
            }
        }
    }

    func write(_ body: Data) throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("\(UUID()).hexmile")
        // Readable while the phone is locked, from the first unlock on.
        try body.write(to: file, options: [.completeFileProtectionUntilFirstUserAuthentication])
        return file
    }
}
#endif
