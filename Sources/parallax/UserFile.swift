internal import Glibc

/// Files that the user names.
enum UserFile {
    /// The bytes of a file.
    /// - Parameter limit: the greatest file; what is longer is refused before it fills the memory.
    /// - Throws: `CommandFailure`, one line that names the file.
    static func read(_ path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw unreadable(path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else {
                throw CommandFailure(code: "file_too_large", description: "\(path) is over \(limit >> 10) KiB: give a smaller file")
            }
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Writes a file, over what was there.
    /// - Parameter permissions: of a file that was not there.
    /// - Throws: `CommandFailure`, one line that names the file.
    static func write(_ bytes: [UInt8], to path: String, permissions: mode_t = 0o644) throws(CommandFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw unwritable(path) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw unwritable(path) }
            rest = rest.dropFirst(count)
        }
    }

    private static func unreadable(_ path: String) -> CommandFailure {
        CommandFailure(
            code: "unreadable_file",
            description: "\(path) cannot be read (\(String(cString: strerror(errno)))): check the path and its permissions")
    }

    static func unwritable(_ path: String) -> CommandFailure {
        CommandFailure(
            code: "unwritable_file",
            description: "\(path) cannot be written (\(String(cString: strerror(errno)))): check the directory and its permissions")
    }
}
