internal import Glibc

/// A directory of qlog files, one for each connection, named by the group ID that its client chose.
///
/// Files are opened for each piece and closed again: many connections live for long, and descriptors are few.
struct QlogDirectory: Sendable {
    private let path: String

    /// Makes the directory where there is none.
    /// - Throws: `CommandFailure`, one line that names it.
    init(path: String) throws(CommandFailure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST, access(path, W_OK) == 0 else { throw UserFile.unwritable(path) }
        self.path = path
    }

    func append(_ bytes: [UInt8], group: String) {
        guard let file = try? AppendingFile(path: "\(path)/\(group).sqlog") else { return }
        file.append(bytes)
    }
}
