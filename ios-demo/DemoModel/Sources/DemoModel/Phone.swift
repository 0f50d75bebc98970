import Foundation
import Hexmile

/// What the models need of the phone that they run on.
public struct Phone: Sendable {
    /// A folder of the app's own, out of backups.
    public var folder: URL
    /// Where keys and private places are kept.
    public var secrets: any SecretStore
    /// Makes or finds the key that signs this phone's traces.
    public var deviceKey: @Sendable (any SecretStore) throws -> any Signer
    /// A way to a server.
    public var transport: @Sendable (URL) -> any Transport
    /// Has the platform attest the phone's key; `nil` where it cannot.
    public var attest: Attest?
    /// Takes back the uploads that the system was given to carry out without the app.
    public var withdrawUploads: @MainActor @Sendable () -> Void
    /// The phone's clock.
    public var clock: @Sendable () -> Date

    /// A phone of these parts.
    public init(
        folder: URL, secrets: any SecretStore,
        deviceKey: @escaping @Sendable (any SecretStore) throws -> any Signer,
        transport: @escaping @Sendable (URL) -> any Transport = { URLSessionTransport(server: $0) },
        attest: Attest? = nil, withdrawUploads: @escaping @MainActor @Sendable () -> Void = {},
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.folder = folder
        self.secrets = secrets
        self.deviceKey = deviceKey
        self.transport = transport
        self.attest = attest
        self.withdrawUploads = withdrawUploads
        self.clock = clock
    }
}

/// What a phone senses of a drive, for one recorder.
@MainActor
public protocol Sensors: AnyObject {
    /// Fixes as they come, for the screen; the recorder has them already.
    var fixes: AsyncStream<Fix> { get }

    /// The recorder is about to work: tells it of the phone's network and battery, and, where trips begin
    /// by themselves, of what moves. Called before the driver's consent is handed to the recorder.
    func open(automaticTrips: Bool)

    /// A trip is under way: hands on its fixes.
    func tripBegan()

    /// It is over.
    func tripEnded()

    /// Nobody is recorded any more. What waits may still leave: the recorder hears of the phone's network on.
    func endDrives()

    /// The recorder is about to be closed.
    func close()
}

/// Makes the sensors of a recorder; what they meet is told to the second.
public typealias MakeSensors = @MainActor (Recorder, @escaping @Sendable (any Error) -> Void) -> any Sensors

/// Calls that wait for a disk, a key or a lock, off the main thread and one after the other, in the order of
/// asking.
enum Work {
    private static let queue = DispatchQueue(label: "org.hexmile.demo.work", qos: .userInitiated)

    // Where the caller is: on the way to another thread, a stop could overtake the start before it.
    static func run<T: Sendable>(
        isolation: isolated (any Actor)? = #isolation, _ call: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { done in
            queue.async { done.resume(with: Result(catching: call)) }
        }
    }
}
