import Foundation

/// Secrets in files of a folder that only their owner may read: for desktops and tests, weaker than a
/// platform's store. Names are of lower-case letters, digits, dots and hyphens, at most 64.
public struct FolderSecretStore: SecretStore {
    private let folder: URL

    /// The secrets of a folder, which is made with the first; not the journal's.
    public init(_ folder: URL) {
        self.folder = folder
    }

    public func secret(named name: String) throws -> Data? {
        let descriptor = open(try file(of: name).path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            // Only what is not there is none: a new key in place of one that cannot be read would lose it.
            if errno == ENOENT { return nil }
            throw Self.failure()
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        return try file.readToEnd() ?? Data()
    }

    public func keep(_ secret: Data, named name: String) throws {
        let file = try file(of: name)
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // Whole or not at all, also after a crash: under another name first. Its own is no secret's.
        let part = folder.appendingPathComponent("\(UUID()).PART")
        defer { unlink(part.path) }
        let descriptor = open(part.path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Self.failure() }
        let written = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try written.write(contentsOf: secret)
        try written.synchronize()
        try written.close()
        guard rename(part.path, file.path) == 0 else { throw Self.failure() }
        try synchronizeFolder()
    }

    public func forget(named name: String) throws {
        let file = try file(of: name)
        if unlink(file.path) == 0 { return try synchronizeFolder() }
        if errno != ENOENT { throw Self.failure() }
    }

    private func file(of name: String) throws -> URL {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."):
                return true
            default: return false
            }
        }
        guard isPlain, !name.hasPrefix("."), (1...64).contains(name.utf8.count) else {
            throw HexmileError.argument("\(name): no name of a secret")
        }
        return folder.appendingPathComponent(name)
    }

    /// Has the names in the folder outlive a crash, too.
    private func synchronizeFolder() throws {
        let descriptor = open(folder.path, O_RDONLY)
        guard descriptor >= 0 else { throw Self.failure() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure() }
    }

    private static func failure() -> any Error {
        POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
}
