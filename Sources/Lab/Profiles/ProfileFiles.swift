import Foundation

/// Why profiles cannot be had. `description` is one line: which file, what is wrong, and what was expected.
package enum ProfileFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case form(path: String, ProfileFormError)
    case trace(path: String, DeliveryTraceError)
    /// `mahimahi:` without two traces.
    case notTwoTraces(String)
    case badDelay(String)
    case sameName(String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .form(let path, let error): "\(path): \(error)"
        case .trace(let path, let error): "\(path): \(error)"
        case .notTwoTraces(let text): "'\(text)' names no two traces; expected mahimahi:UP,DOWN, and @25ms behind it for a delay"
        case .badDelay(let text): "'\(text)' is no delay; expected @ and milliseconds, as in @25ms"
        case .sameName(let name): "two profiles are named \(name), and rows know a profile by its name; rename a file"
        }
    }
}

/// The networks that a command line chooses from, and its list of names.
package struct ProfileSelection: Hashable, Sendable {
    package let catalogue: ProfileCatalogue
    /// Names with commas between, none of which is a path any more; `nil` for the usual ones.
    package let list: String?

    /// Reads the user's profiles and the traces that the list names.
    /// - Parameters:
    ///   - list: names of profiles with commas between; `mahimahi:UP,DOWN` stands for a network of two trace files.
    ///   - file: profiles of the user's own.
    package init(list: String?, file: String?) throws(ProfileFileError) {
        var own = try file.map { path throws(ProfileFileError) in try ProfileFiles.read(path) } ?? []
        guard let list else {
            (catalogue, self.list) = (ProfileCatalogue(own: own), nil)
            return
        }
        var names: [String] = []
        var parts = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)[...]
        while let part = parts.popFirst() {
            guard part.hasPrefix(ProfileFiles.tracePrefix) else {
                names.append(part)
                continue
            }
            guard let second = parts.popFirst() else { throw .notTwoTraces(part) }
            let (profile, suffix) = try ProfileFiles.traced(up: part, down: second)
            if let other = own.first(where: { $0.name == profile.name }) {
                guard other == profile else { throw .sameName(profile.name) }
            } else {
                own.append(profile)
            }
            names.append(profile.name + suffix)
        }
        (catalogue, self.list) = (ProfileCatalogue(own: own), names.joined(separator: ","))
    }
}

enum ProfileFiles {
    static let tracePrefix = "mahimahi:"

    /// The profiles of a file of the user's own; traces in it are named from its directory.
    static func read(_ path: String) throws(ProfileFileError) -> [NetworkProfile] {
        let bytes = try bytes(of: path, limit: ProfileLimits.fileByteCount)
        let directory = URL(filePath: path).deletingLastPathComponent()
        let form = ProfileForm { trace throws(ProfileFormError) in
            do throws(ProfileFileError) {
                return try Self.trace(URL(filePath: trace, relativeTo: directory).path)
            } catch {
                throw ProfileFormError(problem: error.description)
            }
        }
        do throws(ProfileFormError) {
            return try form.profiles(in: bytes.span)
        } catch {
            throw .form(path: path, error)
        }
    }

    /// The network of `mahimahi:UP` and `DOWN`, which adds no delay of its own, and the delay behind them with its `@`.
    static func traced(up: String, down: String) throws(ProfileFileError) -> (NetworkProfile, suffix: String) {
        let parts = down.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let suffix = parts.count == 2 ? "@\(parts[1])" : ""
        guard ProfileName("x\(suffix)") != nil else { throw .badDelay(suffix) }
        let paths = (up: String(up.dropFirst(tracePrefix.count)), down: parts[0])
        guard !paths.up.isEmpty, !paths.down.isEmpty else { throw .notTwoTraces("\(up),\(down)") }
        let profile = NetworkProfile(
            name: "\(tracePrefix)\(name(of: paths.up))+\(name(of: paths.down))",
            summary: "two mahimahi traces, a queue of \(DeliveryTraceLimits.usualQueueByteCount) bytes each",
            source: "the files \(name(of: paths.up)) and \(name(of: paths.down))",
            up: link(try trace(paths.up)), down: link(try trace(paths.down)))
        return (profile, suffix)
    }

    private static func link(_ trace: DeliveryTrace) -> LinkProfile {
        var link = LinkProfile(delay: .zero, bitsPerSecond: trace.meanBitsPerSecond, queueLimit: .zero)
        link.trace = trace
        return link
    }

    /// The last part of a path without what would end a name in a list.
    private static func name(of path: String) -> String {
        String(URL(filePath: path).lastPathComponent.map { ",@ ".contains($0) ? "_" : $0 })
    }

    static func trace(_ path: String) throws(ProfileFileError) -> DeliveryTrace {
        let bytes = try bytes(of: path, limit: DeliveryTraceLimits.fileByteCount)
        do throws(DeliveryTraceError) {
            return try DeliveryTrace(bytes.span)
        } catch {
            throw .trace(path: path, error)
        }
    }

    /// A whole file; one that is too long is not read to its end.
    private static func bytes(of path: String, limit: Int) throws(ProfileFileError) -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            let exists = FileManager.default.fileExists(atPath: path)
            throw .unreadable(path: path, reason: exists ? "no permission" : "no such file")
        }
        defer { try? handle.close() }
        let data: Data?
        do {
            data = try handle.read(upToCount: limit + 1)
        } catch {
            throw .unreadable(path: path, reason: "not a readable file")
        }
        guard let data, data.count <= limit else {
            guard data != nil else { return [] }
            throw .unreadable(path: path, reason: "over \(limit >> 20) MiB")
        }
        return [UInt8](data)
    }
}
