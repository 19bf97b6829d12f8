internal import ArgumentParser
internal import Glibc
internal import Server

/// Runs the command, and ends the process with 0, with the status that the command chose, or with 2 and one line
/// that says what was wrong and what to do.
@main
enum Main {
    static func main() {
        do {
            var command = try ParallaxCommand.parseAsRoot()
            try command.run()
        } catch let code as ExitCode {
            exit(code.rawValue)
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        guard ParallaxCommand.exitCode(for: error) != .success else {
            // Help and the version were asked for.
            print(ParallaxCommand.fullMessage(for: error))
            exit(0)
        }
        let style = TerminalStyle(descriptor: STDERR_FILENO, environment: Environment.variables)
        // The parser's own errors know the command's usage, ours name the remedy themselves.
        let hint = (error as? CommandFailure).map { style.paint(" [\($0.code)]", .faint) } ?? " (parallax --help)"
        let message = ParallaxCommand.message(for: error)
        let bytes = Array("\(style.paint("parallax:", .red)) \(message)\(hint)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
        exit(2)
    }
}

/// An error that ends a command: one line, with what to do.
struct CommandFailure: Error, CustomStringConvertible {
    /// A name for programs that does not change with the wording.
    let code: String
    let description: String
}
