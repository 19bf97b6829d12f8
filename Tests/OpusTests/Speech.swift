import Audio
import Foundation
import Testing

/// The five sentences of human speech that Debian's pocketsphinx-testdata brings, as WAV files of 16 kHz.
enum Speech {
    static let names = [870, 880, 890, 920, 930].map { "sense_and_sensibility_01_austen_64kb-0\($0)" }

    static func file(_ name: String) throws -> [UInt8] {
        let path = "/usr/share/pocketsphinx/test/data/librivox/\(name).wav"
        let data = try #require(
            FileManager.default.contents(atPath: path),
            "no \(path): install the package pocketsphinx-testdata, as `make setup` does")
        return Array(data)
    }

    static func sound(_ name: String = names[0]) throws -> PCM {
        let bytes = try file(name)
        return try WAV.read(bytes.span)
    }
}

/// The power of `signal` over that of its difference from `other`, in dB.
func signalToNoise(_ signal: some Sequence<Float>, _ other: some Sequence<Float>) -> Double {
    var power = 0.0, noise = 0.0
    for (left, right) in zip(signal, other) {
        power += Double(left * left)
        noise += Double((left - right) * (left - right))
    }
    return 10 * log10(power / max(noise, 1e-30))
}

/// A sine of half of full scale.
func sine(_ hertz: Double, rate: Int, count: Int) -> PCM {
    PCM(sampleRate: rate, samples: (0..<count).map { Float(0.5 * sin(2 * .pi * hertz * Double($0) / Double(rate))) })
}

/// How well two sounds agree: 1 for equal waves, 0 for unrelated ones.
func correlation(_ left: some Sequence<Float>, _ right: some Sequence<Float>) -> Double {
    var both = 0.0, leftPower = 0.0, rightPower = 0.0
    for (left, right) in zip(left, right) {
        both += Double(left * right)
        leftPower += Double(left * left)
        rightPower += Double(right * right)
    }
    return both / (leftPower * rightPower).squareRoot()
}
