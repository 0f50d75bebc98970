import Foundation
import HexmileFFI

/// A request for the app's HTTP stack.
public struct Request: Equatable, Sendable {
    /// Method, in capitals.
    public let method: String
    /// Path on the server; it begins with a slash.
    public let path: String
    /// Headers by name.
    public let headers: [String: String]
    /// The body, exactly as it must be sent; a request that has none is sent without.
    public let body: Data?

    /// A request.
    public init(method: String, path: String, headers: [String: String] = [:], body: Data? = nil) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// A server's answer, whatever its status.
public struct Answer: Equatable, Sendable {
    /// HTTP's status code.
    public let status: Int
    /// The body.
    public let body: Data
    /// The `Retry-After` header in seconds, if there is one.
    public let retryAfterS: Int?

    /// An answer.
    public init(status: Int, body: Data, retryAfterS: Int? = nil) {
        self.status = status
        self.body = body
        self.retryAfterS = retryAfterS
    }
}

/// The app's HTTP stack; ``URLSessionTransport`` is the platform's own.
public protocol Transport: Sendable {
    /// Sends a request to the server.
    ///
    /// - Throws: anything, where there is no answer; it will be tried again.
    func send(_ request: Request) async throws -> Answer
}

extension Request {
    init(native: HexmileFFI.Request) {
        self.init(
            method: "POST", path: native.path, headers: ["Content-Type": native.contentType],
            body: native.body)
    }

    init(native: HexmileFFI.SignedRequest) {
        self.init(
            method: native.method, path: native.path,
            headers: ["Authorization": native.authorization])
    }
}

extension Answer {
    /// A status that no 16 bits hold is no HTTP's; the library takes 0 for "not a Hexmile server's".
    var statusCode: UInt16 { UInt16(exactly: status) ?? 0 }

    var nativeRetryAfterS: UInt32? { retryAfterS.map { UInt32(clamping: $0) } }
}
