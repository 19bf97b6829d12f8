internal import Foundation

/// Prints figures as they come, for people or as JSON lines.
struct Printer {
    let json: Bool

    func machine() {
        if json {
            line(["machine": ProcessFigures.machine])
        } else {
            print(ProcessFigures.machine)
            print("each figure: min / median / max over the repeats\n")
        }
        fflush(nil)
    }

    func add(_ measurement: Measurement) {
        if json {
            line(measurement)
        } else {
            print(measurement.text + "\n")
        }
        fflush(nil)
    }

    func add(_ result: ChurnResult) {
        if json {
            line(result)
        } else {
            print(result.text + "\n")
        }
        fflush(nil)
    }

    func add(_ result: VirtualResult) {
        if json {
            line(result)
        } else {
            print(result.text + "\n")
        }
        fflush(nil)
    }

    private func line(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return }
        print(String(decoding: data, as: UTF8.self))
    }
}
