internal import Foundation
internal import Fuzz

/// The parser that this process attacks. A variable and not an argument, because libFuzzer starts copies of the program
/// with arguments of its own making.
private let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["PARALLAX_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        FileHandle.standardError.write(Data("parallax-fuzz: set PARALLAX_FUZZ_TARGET to one of: \(names)\n".utf8))
        exit(2)
    }
    return target
}()

/// Called by libFuzzer with one input after the other. A finding becomes a trap, whose input libFuzzer keeps as a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    do throws(FuzzFinding) {
        _ = try target.run(UnsafeBufferPointer(start: start, count: byteCount).span)
    } catch {
        fatalError(error.description)
    }
    return 0
}

/// libFuzzer's own entry (FuzzerInterface.h). Its `main` does no more than call this, but SwiftPM puts ours in its place.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ testOneInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

_ = target
var argumentCount = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runDriver(&argumentCount, &arguments, fuzzOneInput))
