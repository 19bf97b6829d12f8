import Foundation
import Audio
import Wire

/// Little-endian fields and names, to build files by hand, apart from the writers under test.
func bytes(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap(\.self) }
func text(_ text: String) -> [UInt8] { Array(text.utf8) }
func le16(_ value: UInt16) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
func le32(_ value: UInt32) -> [UInt8] { le16(UInt16(value & 0xFFFF)) + le16(UInt16(value >> 16)) }

/// A WAV file of one `data` chunk.
func wav(
    tag: UInt16 = 1, channels: UInt16 = 1, rate: UInt32 = 16_000, bits: UInt16 = 16, data: [UInt8],
    dataSize: UInt32? = nil, riffSize: UInt32? = nil, before: [UInt8] = [], after: [UInt8] = []
) -> [UInt8] {
    let block = channels * bits / 8
    let format = bytes(le16(tag), le16(channels), le32(rate), le32(rate * UInt32(block)), le16(block), le16(bits))
    let body = bytes(
        text("WAVEfmt "), le32(UInt32(format.count)), format, before,
        text("data"), le32(dataSize ?? UInt32(data.count)), data, after)
    return bytes(text("RIFF"), le32(riffSize ?? UInt32(body.count)), body)
}

/// `count` samples of a sine of `hertz` at `rate`, half of full scale.
func sine(_ hertz: Double, rate: Int, count: Int) -> PCM {
    PCM(sampleRate: rate, samples: (0..<count).map { Float(0.5 * sin(2 * .pi * hertz * Double($0) / Double(rate))) })
}

/// Every single-byte change that a sweep tries: one bit at each end, all bits, and the two extremes.
func mangled(_ file: [UInt8], at index: Int) -> [[UInt8]] {
    [file[index] ^ 1, file[index] ^ 0x80, ~file[index], 0, 255].filter { $0 != file[index] }.map { byte in
        var copy = file
        copy[index] = byte
        return copy
    }
}
