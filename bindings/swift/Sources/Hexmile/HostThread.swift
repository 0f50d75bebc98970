import Foundation

/// What the thread at hand knows of a call of the library into the app. Calls are synchronous: what a
/// ``Signer`` or a ``SecretStore`` throws is of the call that its thread is in.
enum HostThread {
    private static let asked: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// What keys threw.
    static let key = HostFailures(name: "org.hexmile.key-failure")
    /// What secret stores threw.
    static let secrets = HostFailures(name: "org.hexmile.secrets-failure")

    /// Whether this thread is inside a ``Signer`` or a ``SecretStore``.
    static var isInside: Bool { pthread_getspecific(asked) != nil }

    static func within<T>(_ body: () throws -> T) rethrows -> T {
        let before = pthread_getspecific(asked)
        pthread_setspecific(asked, UnsafeRawPointer(bitPattern: 1))
        defer { pthread_setspecific(asked, before) }
        return try body()
    }
}

/// What was thrown last on the thread at hand, until it is taken.
struct HostFailures: Sendable {
    let name: String

    var failure: HostFailure? {
        get { Thread.current.threadDictionary[name] as? HostFailure }
        nonmutating set { Thread.current.threadDictionary[name] = newValue }
    }

    func take() -> HostFailure? {
        defer { failure = nil }
        return failure
    }
}
