import HexmileFFI

/// A request that the library hands out one at a time; a forgotten one comes again.
enum Errand: Sendable {
    case upload(Upload)
    case erase(SignedRequest)
    case inquire(Inquiry)
    case fetchPolicy(path: String)

    var request: Request {
        switch self {
        case .upload(let upload): return Request(native: upload.request())
        case .erase(let request): return Request(native: request)
        case .inquire(let inquiry): return Request(method: "GET", path: inquiry.path())
        case .fetchPolicy(let path): return Request(method: "GET", path: path)
        }
    }

    /// Whether one stands for the other.
    func isLike(_ other: Self) -> Bool {
        switch (self, other) {
        case (.upload, .upload), (.fetchPolicy, .fetchPolicy): return true
        case (.erase(let a), .erase(let b)): return a.authorization == b.authorization
        case (.inquire(let a), .inquire(let b)): return a.path() == b.path()
        default: return false
        }
    }

    /// Tells the library the answer.
    func answered(
        _ answer: Answer, _ native: HexmileFFI.Recorder, _ moment: Moment
    ) throws -> [Effect] {
        let (status, retryAfterS) = (answer.statusCode, answer.nativeRetryAfterS)
        switch self {
        case .upload(let upload):
            return try native.uploaded(
                upload: upload, status: status, body: answer.body, retryAfterS: retryAfterS, moment: moment)
        case .erase(let request):
            return try native.erasureAnswered(
                request: request, status: status, body: answer.body, retryAfterS: retryAfterS, moment: moment)
        case .inquire(let inquiry):
            return native.inquiryAnswered(
                inquiry: inquiry, status: status, body: answer.body, retryAfterS: retryAfterS, moment: moment)
        case .fetchPolicy:
            return native.policyAnswered(
                status: status, body: answer.body, retryAfterS: retryAfterS, moment: moment)
        }
    }

    /// Tells the library that there is no answer.
    func failed(
        _ why: String, _ native: HexmileFFI.Recorder, _ moment: Moment
    ) throws -> [Effect] {
        switch self {
        case .upload: return native.uploadFailed(why: why, moment: moment)
        case .erase(let request): return try native.erasureFailed(request: request, why: why, moment: moment)
        case .inquire(let inquiry):
            native.inquiryFailed(inquiry: inquiry, moment: moment)
            return []
        case .fetchPolicy:
            native.policyFailed(moment: moment)
            return []
        }
    }
}
