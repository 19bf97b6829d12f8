internal import Wire

extension WAV {
    /// A WAV file of `sound`: one channel, 16 bits, samples rounded to the nearest and cut off at full scale.
    ///
    /// Its size is known, so it is never a streaming header.
    package static func write(_ sound: PCM) -> [UInt8] {
        let rate = UInt32(clamping: sound.sampleRate)
        let dataByteCount = sound.samples.count * 2
        var bytes: [UInt8] = []
        bytes.reserveCapacity(44 + dataByteCount)
        bytes.append(text: "RIFF")
        bytes.append(littleEndian: UInt32(clamping: 36 + dataByteCount))
        bytes.append(text: "WAVE")
        bytes.append(text: "fmt ")
        bytes.append(littleEndian: 16 as UInt32)
        bytes.append(littleEndian: 1 as UInt16)  // integer PCM
        bytes.append(littleEndian: 1 as UInt16)  // channels
        bytes.append(littleEndian: rate)
        bytes.append(littleEndian: rate &* 2)  // bytes a second
        bytes.append(littleEndian: 2 as UInt16)  // bytes a sample
        bytes.append(littleEndian: 16 as UInt16)  // bits a sample
        bytes.append(text: "data")
        bytes.append(littleEndian: UInt32(clamping: dataByteCount))
        for sample in sound.samples { bytes.append(littleEndian: UInt16(bitPattern: int16(sample))) }
        return bytes
    }

    /// The nearest 16-bit value; silence for what is not a number.
    private static func int16(_ sample: Float) -> Int16 {
        guard sample.isFinite else { return 0 }
        let scaled = (sample * 32768).rounded()
        return scaled >= 32767 ? .max : scaled <= -32768 ? .min : Int16(scaled)
    }
}
