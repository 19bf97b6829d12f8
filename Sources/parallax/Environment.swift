internal import Foundation

/// The environment of this process, read once.
enum Environment {
    static let variables = ProcessInfo.processInfo.environment
}
