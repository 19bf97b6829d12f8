import Foundation
import Glibc

/// A program with a pipe to it and one from it, neither of which may block us.
final class RecogniserProgram {
    enum Event {
        case readable, writable, stopped, nothing
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var isInputOpen = true

    /// - Throws: `cannotStart`.
    init(command: String) throws(RecogniserError) {
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardInput = input
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw .cannotStart(reason: "\(error)")
        }
        let descriptor = input.fileHandleForWriting.fileDescriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Waits for one thing to happen. What can be read goes first: an answer makes room for a request.
    func wait(toWrite: Bool, stop: Int32?, seconds: Double) -> Event {
        var descriptors = [
            pollfd(fd: stop ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: toWrite && isInputOpen ? input.fileHandleForWriting.fileDescriptor : -1, events: Int16(POLLOUT), revents: 0),
        ]
        let milliseconds = Int32(min(max(0, seconds) * 1000 + 1, 3_600_000))
        guard poll(&descriptors, nfds_t(descriptors.count), milliseconds) > 0 else { return .nothing }
        if descriptors[0].revents != 0 { return .stopped }
        if descriptors[1].revents != 0 { return .readable }
        return .writable
    }

    /// What can be read now; nothing at the end, `nil` for an error.
    func read() -> Data? {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(output.fileHandleForReading.fileDescriptor, &bytes, bytes.count)
        return count < 0 ? nil : Data(bytes[..<count])
    }

    /// Writes what fits now; `nil` when nobody reads any more.
    func write(_ data: Data) -> Int? {
        let count = data.withUnsafeBytes { Glibc.write(input.fileHandleForWriting.fileDescriptor, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// How it ended, once its output has.
    func death(answered: Int, of count: Int) -> RecogniserError {
        end(within: 1)
        let status = process.terminationStatus
        if process.terminationReason == .uncaughtSignal {
            return .died(how: "was ended by signal \(status)", answered: answered, of: count)
        }
        // What a shell says of a command that it does not find, or may not run.
        if answered == 0, status == 126 || status == 127 {
            return .cannotStart(reason: "the shell ended with status \(status)")
        }
        return .died(how: "ended with status \(status)", answered: answered, of: count)
    }

    func kill() {
        // Foundation starts programs in process groups of their own: what the shell started goes too.
        let id = process.processIdentifier
        guard process.isRunning, id > 1 else { return }
        _ = Glibc.kill(getpgid(id) == id ? -id : id, SIGKILL)
    }

    /// Says that nothing more comes.
    func closeInput() {
        guard isInputOpen else { return }
        isInputOpen = false
        try? input.fileHandleForWriting.close()
    }

    /// Says that nothing more comes, and ends the program if that does not.
    func end(within seconds: Double) {
        closeInput()
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning, ContinuousClock.now < deadline { usleep(5_000) }
        kill()
        process.waitUntilExit()
    }
}
