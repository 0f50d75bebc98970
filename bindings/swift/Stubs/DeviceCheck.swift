import Foundation

// Apple's is not Sendable either.
open class DCAppAttestService: NSObject {
    public class var shared: DCAppAttestService { DCAppAttestService() }
    public var isSupported: Bool { false }
    public func generateKey() async throws -> String { throw CocoaError(.featureUnsupported) }
    public func attestKey(_ keyId: String, clientDataHash: Data) async throws -> Data {
        throw CocoaError(.featureUnsupported)
    }
}
