internal import Glibc

/// What the kernel says about a process, by `/proc`.
enum ProcessFigures {
    /// The CPU that all threads of the process have used, in nanoseconds.
    static func cpuNanoseconds(of pid: pid_t) -> UInt64 {
        var sum: UInt64 = 0
        for thread in entries(of: "/proc/\(pid)/task") {
            // proc_pid_schedstat: time on the CPU, time waiting for it, slices.
            let fields = text(of: "/proc/\(pid)/task/\(thread)/schedstat").split(separator: " ")
            if let first = fields.first, let nanoseconds = UInt64(first) { sum += nanoseconds }
        }
        return sum
    }

    /// The resident memory of the process, in bytes.
    static func residentBytes(of pid: pid_t) -> Int {
        for line in text(of: "/proc/\(pid)/status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let digits = line.filter(\.isNumber)
            return (Int(digits) ?? 0) * 1_024
        }
        return 0
    }

    /// One line that says on what the figures were measured.
    static var machine: String {
        let model = text(of: "/proc/cpuinfo").split(separator: "\n")
            .first { $0.hasPrefix("model name") }?
            .split(separator: ":").last?
            .drop(while: { $0 == " " })
        let kernel = text(of: "/proc/sys/kernel/osrelease").filter { $0 != "\n" }
        return "\(model.map(String.init) ?? "unknown CPU"), \(coreCount) cores, Linux \(kernel)"
    }

    static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
