import Foundation
import Hexmile

/// The network that a server runs, as its policy tells.
public struct Network: Codable, Equatable, Sendable {
    /// Its name.
    public let name: String
    /// Its id, hexadecimal.
    public let id: String
    /// The key with which the server signs receipts.
    public let serverKey: Data

    /// Asks a server.
    ///
    /// - Throws: ``Unknown`` where it is no Hexmile server, and what the transport throws.
    public init(asking transport: any Transport) async throws {
        let answer = try await transport.send(Request(method: "GET", path: "/v1/policy"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard answer.status == 200, let policy = try? decoder.decode(Policy.self, from: answer.body),
            let key = Data(base64Encoded: policy.serverKey), policy.networkId.allSatisfy(\.isHexDigit),
            !policy.networkId.isEmpty
        else { throw Unknown(status: answer.status) }
        name = policy.networkName
        id = policy.networkId
        serverKey = key
    }

    /// An answer that is no Hexmile server's.
    public struct Unknown: Error, Equatable, Sendable {
        /// HTTP's.
        public let status: Int
    }

    private struct Policy: Decodable {
        let networkName: String
        let networkId: String
        let serverKey: String
    }
}
