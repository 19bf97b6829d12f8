internal import Glibc

/// A file that lines are added to from any thread, each in one call, so that lines don't mix.
final class AppendingFile: Sendable {
    private let descriptor: Int32

    /// Opens or makes the file.
    /// - Throws: `CommandFailure`, one line that names the file.
    init(path: String) throws(CommandFailure) {
        // Keys and logs of connections are nobody else's business: no access for others.
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw UserFile.unwritable(path) }
    }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) {
        // A disk that is full must not end the service; the log is what suffers.
        _ = write(descriptor, bytes, bytes.count)
    }
}
