import Foundation
import XCTest

@testable import Hexmile

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif
#if canImport(Glibc)
import Glibc
private let stream = Int32(SOCK_STREAM.rawValue)
#else
import Darwin
private let stream = SOCK_STREAM
#endif

/// A server that reads one request and says what it is told to.
private final class OneAnswer: Sendable {
    private let socket: Int32
    private let heard = Guarded(Data())
    private let over = DispatchSemaphore(value: 0)
    let port: UInt16

    init(_ answer: @escaping @Sendable (Data) -> Data, endless: Bool = false) throws {
        #if canImport(Glibc)
        let made = Glibc.socket(AF_INET, stream, 0)
        #else
        let made = Darwin.socket(AF_INET, stream, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let size = length
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(made, $0, size) == 0 && listen(made, 1) == 0 && getsockname(made, $0, &length) == 0
            }
        }
        guard bound else { throw URLError(.cannotConnectToHost) }
        socket = made
        port = UInt16(bigEndian: address.sin_port)
        DispatchQueue.global().async { [self] in
            let peer = accept(made, nil, nil)
            let request = Self.request(peer)
            heard.use { $0 = request }
            var out = answer(request)
            repeat {
                let sent = out.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, noSignal) }
                if sent < 0 { break }
                if !endless { out = out.dropFirst(sent) }
            } while !out.isEmpty
            close(peer)
            over.signal()
        }
    }

    deinit { close(socket) }

    /// What it was sent, once it has answered.
    var request: Data {
        over.wait()
        return heard.use { $0 }
    }

    /// A request with the body that its header tells of.
    private static func request(_ peer: Int32) -> Data {
        var request = Data()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let end = request.range(of: Data("\r\n\r\n".utf8)) {
                let header = String(decoding: request[..<end.lowerBound], as: UTF8.self).lowercased()
                let told = header.components(separatedBy: "content-length: ").dropFirst().first
                let length = told.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
                if request.count >= end.upperBound + length { return request }
            }
            let count = recv(peer, &chunk, chunk.count, 0)
            if count <= 0 { return request }
            request.append(contentsOf: chunk[..<count])
        }
    }

    #if canImport(Glibc)
    private let noSignal = Int32(MSG_NOSIGNAL)
    #else
    private let noSignal = Int32(0)
    #endif
}

/// An answer with these lines after its protocol.
private func said(_ head: String, _ body: String = "") -> Data {
    Data("HTTP/1.1 \(head)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)".utf8)
}

final class TransportTests: XCTestCase {
    private let upload = Request(
        method: "POST", path: "/v1/traces", headers: ["Content-Type": "application/vnd.hexmile.trace"],
        body: Data((0..<70_000).map { UInt8(truncatingIfNeeded: $0) }))

    private func transport(_ port: UInt16, limit: Int = 1 << 20) throws -> URLSessionTransport {
        URLSessionTransport(
            server: try XCTUnwrap(URL(string: "http://127.0.0.1:\(port)/")), answerLimitBytes: limit)
    }

    func testARequestArrivesWholeAndItsAnswerComesBack() async throws {
        let server = try OneAnswer { _ in said("200 OK", "taken") }
        let answer = try await transport(server.port).send(upload)
        XCTAssertEqual(answer, Answer(status: 200, body: Data("taken".utf8)))
        let heard = server.request
        let end = try XCTUnwrap(heard.range(of: Data("\r\n\r\n".utf8)))
        let header = String(decoding: heard[..<end.lowerBound], as: UTF8.self)
        XCTAssert(header.hasPrefix("POST /v1/traces HTTP/1.1"), header)
        XCTAssert(header.contains("application/vnd.hexmile.trace"), header)
        XCTAssertEqual(heard[end.upperBound...], upload.body)
    }

    func testARefusalIsAnAnswerWithTheServersWishToWait() async throws {
        let wishes = [("120", 120), (" 7 ", 7), ("-1", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil)] as [(String, Int?)]
        for (wish, seconds) in wishes {
            let server = try OneAnswer { _ in said("503 Busy\r\nRetry-After: \(wish)", "no") }
            let answer = try await transport(server.port).send(upload)
            XCTAssertEqual(answer, Answer(status: 503, body: Data("no".utf8), retryAfterS: seconds), wish)
        }
    }

    func testARedirectIsNotFollowed() async throws {
        let server = try OneAnswer { _ in said("307 Elsewhere\r\nLocation: http://127.0.0.1:1/") }
        let answer = try await transport(server.port).send(upload)
        XCTAssertEqual(answer.status, 307)
    }

    #if !canImport(FoundationNetworking)
    func testAnAnswerThatAsksForASignatureIsOne() async throws {
        let server = try OneAnswer { _ in said("401 Sign\r\nWWW-Authenticate: Hexmile", "no") }
        let answer = try await transport(server.port).send(upload)
        XCTAssertEqual(answer, Answer(status: 401, body: Data("no".utf8)))
    }
    #endif

    func testARequestWithoutABodyIsSentWithItsHeaders() async throws {
        let server = try OneAnswer { _ in said("404 Gone") }
        let request = Request(method: "DELETE", path: "/v1/me", headers: ["Authorization": "Hexmile key=1"])
        let answer = try await transport(server.port).send(request)
        XCTAssertEqual(answer.status, 404)
        let heard = String(decoding: server.request, as: UTF8.self)
        XCTAssert(heard.hasPrefix("DELETE /v1/me HTTP/1.1"), heard)
        XCTAssert(heard.contains("Authorization: Hexmile key=1"), heard)
    }

    func testNoAnswerAndOneWithoutEndAreErrors() async throws {
        await assertThrows { try await self.transport(1).send(self.upload) }
        let endless = try OneAnswer(
            { _ in Data("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n".utf8) + Data(count: 65_536) },
            endless: true)
        await assertThrows { try await self.transport(endless.port, limit: 100_000).send(self.upload) }
    }

    func testACancelledRequestEndsAtOnce() async throws {
        let (arrived, told) = AsyncStream.makeStream(of: Void.self)
        let release = DispatchSemaphore(value: 0)
        let server = try OneAnswer { _ in
            told.yield()
            release.wait()
            return Data()
        }
        let transport = try transport(server.port)
        let sending = Task { [upload] in try await transport.send(upload) }
        for await _ in arrived { break }
        sending.cancel()
        await assertThrows { try await sending.value }
        release.signal()
    }

    /// An app that was only suspended hears of the end before it has handed over what to call, or after.
    func testTheSystemIsToldOnceThatItsEventsWereTaken() {
        let told = Guarded(0)
        let say: @Sendable () -> Void = { told.use { $0 += 1 } }
        let exchanges = Exchanges(answerLimitBytes: 0)
        let finish = { exchanges.urlSessionDidFinishEvents(forBackgroundURLSession: .shared) }
        let mainQueue = {
            let empty = self.expectation(description: "the main queue")
            DispatchQueue.main.async { empty.fulfill() }
            self.wait(for: [empty], timeout: 60)
            return told.use { $0 }
        }
        exchanges.whenFinished(say)
        XCTAssertEqual(mainQueue(), 0)
        finish()
        XCTAssertEqual(mainQueue(), 1)
        finish()
        exchanges.whenFinished(say)
        XCTAssertEqual(mainQueue(), 2)
        exchanges.whenFinished(say)
        exchanges.whenFinished(say)
        XCTAssertEqual(mainQueue(), 2)
        finish()
        XCTAssertEqual(mainQueue(), 4)
    }

    private func assertThrows(_ call: () async throws -> Answer, line: UInt = #line) async {
        do {
            let answer = try await call()
            XCTFail("\(answer.status)", line: line)
        } catch {
            XCTAssert(error is URLError || error is CancellationError, "\(error)", line: line)
        }
    }
}
