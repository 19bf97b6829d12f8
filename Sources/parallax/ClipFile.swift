internal import Audio
internal import Opus

/// Recordings that the user names.
enum ClipFile {
    /// - Throws: `CommandFailure`, one line that names the file and says what to do.
    static func load(_ path: String, settings: ClipSettings = ClipSettings()) throws(CommandFailure) -> Clip {
        let bytes = try UserFile.read(path, limit: AudioLimits().fileByteCount)
        do throws(AudioFileError) {
            return try Clip.load(bytes: bytes, name: path, settings: settings)
        } catch {
            throw CommandFailure(code: error.code, description: "\(path): \(error.description)")
        }
    }
}
