import Glibc

/// Why something could not be written. `description` is one line: which file, why, and what to do.
package struct OutputError: Error, Hashable, Sendable, CustomStringConvertible {
    package var path: String
    /// The C library's error number.
    package var number: Int32

    package init(path: String, number: Int32) {
        self.path = path
        self.number = number
    }

    /// A name for programs that does not change with the wording.
    package var code: String {
        switch number {
        case ENOSPC, EDQUOT: "disk_full"
        default: "cannot_write"
        }
    }

    package var description: String {
        let reason = String(cString: strerror(number))
        let remedy = code == "disk_full" ? "make room, or name another --out" : "name another --out"
        return "cannot write \(path) (\(reason)); \(remedy)"
    }
}

/// A file that grows by whole lines: what cannot be written whole is not there at all.
///
/// The first failure is the last attempt: after it the file stays as it is, and `failure` says why. So a disk that fills up
/// in mid-sweep costs the rows that came too late for it, and nothing else.
package final class RowFile {
    package let path: String
    package private(set) var failure: OutputError?
    private let descriptor: Int32
    private var byteCount: off_t = 0

    /// Makes the file, or empties it.
    package init(path: String) throws(OutputError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw OutputError(path: path, number: errno) }
    }

    deinit { close(descriptor) }

    /// Adds a line, which has no end of its own.
    package func append(_ line: String) {
        guard failure == nil else { return }
        let bytes = Array((line + "\n").utf8)
        if let number = writeAll(bytes, to: descriptor) {
            // Half a row would spoil the file for every reader.
            _ = ftruncate(descriptor, byteCount)
            failure = OutputError(path: path, number: number)
        } else {
            byteCount += off_t(bytes.count)
        }
    }

    /// Has the file on the disk, where file systems find out late that there is no room.
    package func finish() {
        // A pipe or a device has nothing to wait for.
        guard failure == nil, fsync(descriptor) != 0, errno != EINVAL, errno != EROFS, errno != ENOTSUP else { return }
        failure = OutputError(path: path, number: errno)
    }
}

/// The directory that a command writes to.
package struct OutputDirectory: Sendable {
    package let path: String

    /// Makes the directory, and those above it.
    package init(path: String) throws(OutputError) {
        self.path = path
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o755) != 0, errno != EEXIST else { continue }
            let number = errno
            var status = stat()
            // A file system that nobody may write to says so even of what is there.
            guard stat(made, &status) == 0 else { throw OutputError(path: path, number: number) }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw OutputError(path: path, number: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw OutputError(path: path, number: ENOTDIR) }
    }

    package func path(of name: String) -> String { "\(path)/\(name)" }

    /// A file of lines in it.
    package func rows(_ name: String) throws(OutputError) -> RowFile { try RowFile(path: path(of: name)) }

    /// Writes a file whole; what was there before stays until the new one is on the disk.
    package func write(_ text: String, to name: String) throws(OutputError) {
        let target = path(of: name), part = target + ".part"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw OutputError(path: target, number: errno) }
        var number = writeAll(Array(text.utf8), to: descriptor)
        if number == nil, fsync(descriptor) != 0 { number = errno }
        close(descriptor)
        if number == nil, rename(part, target) != 0 { number = errno }
        guard let number else { return }
        unlink(part)
        throw OutputError(path: target, number: number)
    }
}

/// Writes all bytes; the error's number when that failed.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            guard errno == EINTR else { return errno }
        } else {
            rest = rest.dropFirst(count)
        }
    }
    return nil
}
