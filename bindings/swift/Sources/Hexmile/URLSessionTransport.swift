import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The platform's own HTTP stack. Redirects are not followed, cookies and caches not kept.
///
/// On Linux, Foundation itself ends the process at an answer whose `WWW-Authenticate` names a scheme that
/// it does not know, as a Hexmile server's 401 does: what runs there for more than tests brings its own
/// ``Transport``.
public final class URLSessionTransport: Transport {
    private let server: URL
    private let session: URLSession
    private let exchanges: Exchanges

    /// A transport to a server.
    ///
    /// - Parameters:
    ///   - server: the server's address, such as `https://hexmile.example`.
    ///   - answerLimitBytes: larger answers are errors; an export is the largest there is.
    public init(server: URL, answerLimitBytes: Int = 64 << 20) {
        self.server = server
        let settings = URLSessionConfiguration.ephemeral
        settings.urlCache = nil
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.httpCookieStorage = nil
        settings.timeoutIntervalForRequest = 30
        settings.timeoutIntervalForResource = 120
        exchanges = Exchanges(answerLimitBytes: answerLimitBytes)
        session = URLSession(configuration: settings, delegate: exchanges, delegateQueue: nil)
    }

    deinit {
        session.finishTasksAndInvalidate()
    }

    public func send(_ request: Request) async throws -> Answer {
        let task = session.dataTask(with: try request.urlRequest(to: server))
        return try await exchanges.run(task)
    }
}

extension Request {
    /// The request as the platform sends it.
    ///
    /// - Throws: `URLError` where the server's address and the path make none.
    public func urlRequest(to server: URL) throws -> URLRequest {
        let base = server.absoluteString
        let address = (base.hasSuffix("/") ? String(base.dropLast()) : base) + path
        guard let url = URL(string: address) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpBody = body
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        return request
    }
}

extension Answer {
    /// What a server said; the header may also be a date, and then the recorder waits by its own rules.
    init(_ response: HTTPURLResponse, body: Data) {
        let retryAfter = response.value(forHTTPHeaderField: "Retry-After")
        let seconds = retryAfter.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        self.init(
            status: response.statusCode, body: body, retryAfterS: seconds.flatMap { $0 < 0 ? nil : $0 })
    }
}

/// Tasks of a session, and those who wait for their answers.
final class Exchanges: NSObject, URLSessionDataDelegate, Sendable {
    private struct Exchange {
        var body = Data()
        var isTooLarge = false
        let done: CheckedContinuation<Answer, any Error>
    }

    private let answerLimitBytes: Int
    private let open = Guarded<[Int: Exchange]>([:])
    private let events = Guarded(Events())

    /// What the system is to be told once, however its word and the app's come.
    private struct Events {
        var completions: [@Sendable () -> Void] = []
        var areFinished = false
    }

    private let ended: @Sendable (URLSessionTask) -> Void

    /// - Parameter ended: called with every task that ended, also where it was begun by an app that is gone.
    init(answerLimitBytes: Int, ended: @escaping @Sendable (URLSessionTask) -> Void = { _ in }) {
        self.answerLimitBytes = answerLimitBytes
        self.ended = ended
    }

    /// Runs a task of the session that this is the delegate of.
    func run(_ task: URLSessionTask) async throws -> Answer {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { done in
                open.use { $0[task.taskIdentifier] = Exchange(done: done) }
                task.resume()
                // A cancellation before this came to a task that had not begun.
                if Task.isCancelled { task.cancel() }
            }
        } onCancel: {
            task.cancel()
        }
    }

    /// Calls this once a background session has told all that happened without the app.
    func whenFinished(_ completion: @escaping @Sendable () -> Void) {
        let isLate = events.use { events in
            // An app that was only suspended may hear of the end before it has handed over what to call.
            defer { events.areFinished = false }
            if !events.areFinished { events.completions.append(completion) }
            return events.areFinished
        }
        // The platform wants its word on the main queue.
        if isLate { DispatchQueue.main.async(execute: completion) }
    }

    func urlSessionDidFinishEvents(forBackgroundURLSession session: URLSession) {
        let completions = events.use { events in
            defer { events.completions = [] }
            events.areFinished = events.completions.isEmpty
            return events.completions
        }
        for completion in completions { DispatchQueue.main.async(execute: completion) }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
        completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
        // Requests carry their own signature: a 401 is an answer like any other.
        completionHandler(.performDefaultHandling, nil)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = open.use { open in
            guard var exchange = open.removeValue(forKey: dataTask.taskIdentifier) else { return false }
            exchange.isTooLarge = exchange.body.count + data.count > answerLimitBytes
            if !exchange.isTooLarge { exchange.body.append(data) }
            open[dataTask.taskIdentifier] = exchange
            return exchange.isTooLarge
        }
        if isTooLarge { dataTask.cancel() }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        ended(task)
        guard let exchange = open.use({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
        if exchange.isTooLarge {
            exchange.done.resume(throwing: URLError(.dataLengthExceedsMaximum))
        } else if let error {
            exchange.done.resume(throwing: error)
        } else if let response = task.response as? HTTPURLResponse {
            exchange.done.resume(returning: Answer(response, body: exchange.body))
        } else {
            exchange.done.resume(throwing: URLError(.badServerResponse))
        }
    }
}
