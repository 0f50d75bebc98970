import Foundation
import Security

public enum SecureEnclave {
    public static var isAvailable: Bool { false }

    public enum P256 {
        public enum Signing {
            public struct PrivateKey {
                public let dataRepresentation: Data
                public let publicKey: PublicKey
                public init(accessControl: SecAccessControl) throws { throw CocoaError(.featureUnsupported) }
                public init(dataRepresentation: Data) throws { throw CocoaError(.featureUnsupported) }
                public func signature<D: DataProtocol>(for data: D) throws -> ECDSASignature {
                    ECDSASignature(derRepresentation: Data(data))
                }
            }

            public struct PublicKey {
                public let x963Representation: Data
            }

            public struct ECDSASignature: Sendable {
                public let derRepresentation: Data
            }
        }
    }
}
