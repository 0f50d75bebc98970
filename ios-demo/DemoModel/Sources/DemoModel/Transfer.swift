import Foundation
import Hexmile

/// The way to the server, on which nothing of a trip leaves until the server knows the phone: it would refuse
/// it.
final class Transfer: Transport, @unchecked Sendable {
    private let transport: any Transport
    private let lock = NSLock()
    private var isOpen: Bool

    init(_ transport: any Transport, mayUpload: Bool) {
        self.transport = transport
        isOpen = mayUpload
    }

    /// Whether the server knows the phone.
    var mayUpload: Bool {
        get { lock.withLock { isOpen } }
        set { lock.withLock { isOpen = newValue } }
    }

    func send(_ request: Request) async throws -> Answer {
        if request.body != nil, !mayUpload { throw NotEnrolled() }
        return try await transport.send(request)
    }

    /// The server does not know the phone yet.
    private struct NotEnrolled: Error {}
}
