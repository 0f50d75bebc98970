import Foundation
import HexmileFFI

/// Runs a call into the library; its errors come out as ``HexmileError``s.
func calling<T>(_ call: () throws -> T) throws -> T {
    try checkLibrary()
    do {
        return try call()
    } catch let error as HexmileFFI.RecorderError {
        throw HexmileError(native: error)
    } catch let error as HexmileFFI.EnrolError {
        throw HexmileError(native: error)
    } catch let error as HexmileFFI.SignFailure {
        throw HexmileError(native: error)
    } catch let error as HexmileError {
        throw error
    } catch {
        throw HexmileError.defect(String(describing: error))
    }
}

/// The generated code ends the process where the library is not its own; this looks before it does.
private func checkLibrary() throws {
    switch initializationResult {
    case .ok: return
    case .contractVersionMismatch:
        throw HexmileError.libraryMismatch("the library was built with another version of UniFFI")
    case .apiChecksumMismatch:
        throw HexmileError.libraryMismatch("the library is of another version than this package")
    }
}

extension HexmileError {
    fileprivate init(native: HexmileFFI.RecorderError) {
        switch native {
        case .Journal(let reason): self = .journal(reason)
        case .Sign(let reason): self = .signing(reason, cause: HostThread.key.take())
        case .Secret(let reason): self = .secrets(reason, cause: HostThread.secrets.take())
        case .NoConsent: self = .noConsent
        case .Argument(let reason): self = .argument(reason)
        }
    }

    fileprivate init(native: HexmileFFI.EnrolError) {
        switch native {
        case .KeyStore(let reason): self = .signing(reason, cause: HostThread.key.take())
        case .Refused(let code, let detail): self = .refused(code: code, detail: detail)
        case .Unexpected(let status): self = .unexpectedAnswer(status: Int(status))
        case .Argument(let reason): self = .argument(reason)
        }
    }

    fileprivate init(native: HexmileFFI.SignFailure) {
        switch native {
        case .KeyStore(let reason): self = .signing(reason, cause: HostThread.key.take())
        }
    }
}
