import Audio
package import Foundation
package import Opus

/// Why there is no clip to speak. `description` is one line: what is wrong, and what to do.
package enum ClipFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case notAudio(path: String, reason: String)
    case noClips(directory: String)
    /// Rows and seeds know a clip by its name.
    case sameName(String)
    case defaultsMissing

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read the clip \(path): \(reason)"
        case .notAudio(let path, let reason): "\(path): \(reason)"
        case .noClips(let directory): "no .wav, .opus or .ogg file in \(directory)"
        case .sameName(let name): "two clips are named \(name); rename one, since rows know a clip by its name"
        case .defaultsMissing:
            "no clip given and no recorded speech installed; name a WAV or Ogg Opus file, or: apt-get install pocketsphinx-testdata"
        }
    }
}

/// Finds clips and reads them.
package enum ClipFiles {
    /// Human speech (LibriVox, public domain) with its words, as Debian's pocketsphinx-testdata installs it.
    static let defaultDirectory = URL(filePath: "/usr/share/pocketsphinx/test/data/librivox", directoryHint: .isDirectory)

    private static let extensions: Set<String> = ["wav", "opus", "ogg"]

    /// The paths of all clips in a directory, by name.
    package static func paths(in directory: URL) throws(ClipFileError) -> [URL] {
        let entries: [URL]
        do {
            entries = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        } catch {
            throw .unreadable(path: directory.path, reason: "no such directory, or not permitted")
        }
        let clips = entries.filter { extensions.contains($0.pathExtension.lowercased()) }
        guard !clips.isEmpty else { throw .noClips(directory: directory.path) }
        return clips.sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    /// The clips that are spoken when none is named.
    package static func defaultPaths() throws(ClipFileError) -> [URL] {
        do throws(ClipFileError) { return try paths(in: defaultDirectory) } catch { throw .defaultsMissing }
    }

    /// The usual clips spoken one after the other, again and again, until `duration` is filled: for measuring speed.
    package static func speech(_ duration: Duration, settings: ClipSettings = ClipSettings()) throws(ClipFileError) -> Clip {
        let clips = try load(defaultPaths(), settings: settings)
        let frame = Duration.milliseconds(20)
        let count = max(1, Int(duration / frame))
        func repeated(_ packets: [[UInt8]]) -> [[UInt8]] { (0..<count).map { packets[$0 % packets.count] } }
        var speech = Clip(
            name: "speech", frames: repeated(clips.flatMap(\.frames)), frameDuration: frame,
            playableSampleCount: count * 960, preSkip: 0)
        if settings.makesProtectedFrames { speech.protectedFrames = repeated(clips.flatMap(\.protected.frames)) }
        return speech
    }

    /// Reads clips and encodes what is not Opus yet: once, however many trials follow.
    /// - Parameter settings: how; with protected frames where mode `fec` is among the cells.
    package static func load(_ paths: [URL], settings: ClipSettings = ClipSettings()) throws(ClipFileError) -> [Clip] {
        var clips: [Clip] = []
        var names: Set<String> = []
        for path in paths {
            let clip = try load(path, settings)
            guard names.insert(clip.name).inserted else { throw .sameName(clip.name) }
            clips.append(clip)
        }
        return clips
    }

    private static func load(_ path: URL, _ settings: ClipSettings) throws(ClipFileError) -> Clip {
        let data: Data
        do {
            data = try Data(contentsOf: path)
        } catch {
            let exists = FileManager.default.fileExists(atPath: path.path)
            throw .unreadable(path: path.path, reason: exists ? "not a readable file" : "no such file")
        }
        do {
            return try Clip.load(
                bytes: [UInt8](data), name: path.deletingPathExtension().lastPathComponent, transcript: transcript(of: path),
                settings: settings)
        } catch {
            throw .notAudio(path: path.path, reason: error.description)
        }
    }

    /// What is said: a `.txt` of the same name, or a line of a file `transcription` or `….transcription` beside it, as CMU Sphinx
    /// keeps them: `<s> words </s> (name)`.
    private static func transcript(of path: URL) -> String? {
        if let data = try? Data(contentsOf: path.deletingPathExtension().appendingPathExtension("txt")) {
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let folder = path.deletingLastPathComponent()
        let entries = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        let lists = entries.filter { $0.lastPathComponent == "transcription" || $0.pathExtension == "transcription" }
        return lists.sorted { $0.lastPathComponent < $1.lastPathComponent }.lazy.compactMap { transcript(of: path, in: $0) }.first
    }

    private static func transcript(of path: URL, in list: URL) -> String? {
        guard let data = try? Data(contentsOf: list), data.count <= transcriptionByteCount else { return nil }
        let ending = "(\(path.deletingPathExtension().lastPathComponent))"
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasSuffix(ending) {
            let words = line.dropLast(ending.count).split(separator: " ").filter { $0 != "<s>" && $0 != "</s>" }
            return words.joined(separator: " ")
        }
        return nil
    }

    /// A longer list of transcripts is somebody else's corpus, and not read.
    private static let transcriptionByteCount = 8 << 20
}
