internal import Wire

extension AudioContainer {
    /// Which reader a file is for, by its first four bytes; `nil` where none is.
    package init?(firstBytesOf file: Span<UInt8>) {
        var reader = ByteReader(file)
        switch try? reader.readUInt32() {
        case FourCC("RIFF").rawValue: self = .wav
        case FourCC("OggS").rawValue: self = .oggOpus
        default: return nil
        }
    }
}
