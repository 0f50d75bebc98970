/// Why a call failed. What could be kept was kept, and the app goes on: none of these is fatal.
///
/// Texts are for a log, not for the driver.
public enum HexmileError: Error, Equatable, Sendable {
    /// The recorder was closed.
    case closed
    /// The driver has not agreed to recording.
    case noConsent
    /// The journal's folder or disk.
    case journal(String)
    /// A key did not sign, or cannot be used; `cause` is what its ``Signer`` threw, if it threw.
    case signing(String, cause: HostFailure?)
    /// The secret store failed; `cause` is what the ``SecretStore`` threw, if it threw.
    case secrets(String, cause: HostFailure?)
    /// An argument that cannot be used.
    case argument(String)
    /// The server refused; `code` is stable.
    case refused(code: String, detail: String)
    /// An answer with this status that is no Hexmile server's.
    case unexpectedAnswer(status: Int)
    /// A ``Signer`` or a ``SecretStore`` called a recorder while it was asked itself.
    case calledFromWithin
    /// The library that was linked is not of this package's version.
    case libraryMismatch(String)
    /// A defect of the library; please report it. The recorder may be used further.
    case defect(String)
}

/// What a ``Signer`` or a ``SecretStore`` threw. Two are equal where their words are.
public struct HostFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The error as it was thrown.
    public let underlying: any Error

    /// Its words.
    public var description: String { String(describing: underlying) }

    public static func == (a: HostFailure, b: HostFailure) -> Bool { a.description == b.description }
}
