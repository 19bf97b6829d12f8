import Framing
import Testing
import Wire

@Suite struct HTTP3FrameTests {
    /// All frames that `pieces` hold, with DATA pieces joined, and the error that ended the reading.
    private func read(_ pieces: [[UInt8]]) -> (frames: [HTTP3Frame], error: HTTP3Error?) {
        var reader = HTTP3FrameReader()
        var frames: [HTTP3Frame] = []
        do throws(HTTP3Error) {
            for piece in pieces {
                reader.append(piece)
                while let frame = try reader.next() {
                    if case .data(let more) = frame, case .data(let data)? = frames.last {
                        frames[frames.count - 1] = .data(data + more)
                    } else {
                        frames.append(frame)
                    }
                }
            }
            try reader.finish()
            return (frames, nil)
        } catch {
            return (frames, error)
        }
    }

    private func frame(_ type: UInt64, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(http3Frame: type, payload: payload)
        return bytes
    }

    private var sample: [UInt8] {
        let settings = HTTP3Settings([.init(.h3Datagram, 1), .init(.enableWebTransport, 1), .init(.maxFieldSectionSize, 16384)])
        return frame(0x4, settings.payload) + frame(0x21, [1, 2, 3]) + frame(0x1, [0, 0, 0xD1]) + frame(0x0, Array("hello".utf8))
            + frame(0x7, [4]) + frame(0xD, [0x40, 0x40]) + frame(0x3, [7]) + frame(0x5, [1, 2])
    }

    @Test func `every frame type is read`() {
        let result = read([sample])
        #expect(result.error == nil)
        #expect(result.frames == [
            .settings(HTTP3Settings([.init(.h3Datagram, 1), .init(.enableWebTransport, 1), .init(.maxFieldSectionSize, 16384)])),
            .unknown(type: 0x21), .headers([0, 0, 0xD1]), .data(Array("hello".utf8)),
            .goaway(id: 4), .maxPushID(64), .cancelPush(id: 7), .pushPromise,
        ])
    }

    @Test func `where the stream is cut makes no difference`() {
        let whole = read([sample])
        #expect(read(pieces(of: sample, size: 1)).frames == whole.frames)
        for pieces in splits(of: sample) {
            let result = read(pieces)
            #expect(result.frames == whole.frames)
            #expect(result.error == nil)
        }
    }

    @Test func `a stream that ends inside a frame is a frame error`() {
        let bytes = frame(0x1, [1, 2, 3])
        for length in 1..<bytes.count {
            #expect(read([Array(bytes.prefix(length))]).error?.code == .frameError)
        }
        #expect(read([[]]).error == nil)
    }

    @Test(arguments: [0x2, 0x6, 0x8, 0x9] as [UInt64])
    func `a frame of HTTP 2 is unexpected`(type: UInt64) {
        #expect(read([frame(type, [])]).error?.code == .frameUnexpected)
    }

    @Test func `WebTransport's signal is no frame`() {
        #expect(read([[0x40, 0x41, 0x00]]).error?.code == .frameError)
    }

    @Test(arguments: [0x3, 0x7, 0xD] as [UInt64])
    func `a frame of one integer holds exactly one`(type: UInt64) {
        for payload in [[], [0x40], [1, 1], [UInt8](repeating: 0, count: 9)] as [[UInt8]] {
            #expect(read([frame(type, payload)]).error?.code == .frameError)
        }
    }

    @Test func `a length over the limit is refused before any of it comes`() {
        for type in [0x1, 0x4] as [UInt64] {
            var head: [UInt8] = []
            head.append(varInt: type)
            head.append(varInt: 1 << 30)
            #expect(read([head]).error?.code == .excessiveLoad)
        }
    }

    @Test func `no mangled byte traps, and cutting changes nothing`() {
        for mutated in mutations(of: sample) {
            let whole = read([mutated])
            let bytewise = read(pieces(of: mutated, size: 1))
            #expect(whole.frames == bytewise.frames)
            #expect(whole.error == bytewise.error)
        }
    }
}

@Suite struct HTTP3SettingsTests {
    private func parse(_ pairs: [(UInt64, UInt64)]) throws(HTTP3Error) -> HTTP3Settings {
        var bytes: [UInt8] = []
        for (identifier, value) in pairs {
            bytes.append(varInt: identifier)
            bytes.append(varInt: value)
        }
        return try HTTP3Settings(parsing: bytes.span)
    }

    @Test func `settings survive the round trip, GREASE included`() throws {
        let settings = try parse([(0x1, 4096), (0x33, 1), (0x2B60_3742, 1), (0x1F * 5 + 0x21, 99)])
        #expect(settings[.qpackMaxTableCapacity] == 4096)
        #expect(settings.allowsDatagrams && settings.allowsWebTransport && !settings.asksForSessionFlowControl)
        let again = try HTTP3Settings(parsing: settings.payload.span)
        #expect(again == settings)
    }

    @Test(arguments: [0x0, 0x2, 0x3, 0x4, 0x5] as [UInt64])
    func `identifiers of HTTP 2 are an error`(identifier: UInt64) {
        #expect(throws: HTTP3Error(.settingsError, "a setting of HTTP/2")) { try parse([(identifier, 0)]) }
    }

    @Test func `a setting that comes twice is an error`() {
        #expect(throws: HTTP3Error(.settingsError, "a setting came twice")) { try parse([(0x6, 1), (0x6, 1)]) }
    }

    @Test(arguments: [0x8, 0x33, 0x2C7C_F000] as [UInt64])
    func `a switch is 0 or 1`(identifier: UInt64) throws {
        _ = try parse([(identifier, 1)])
        #expect(throws: HTTP3Error(.settingsError, "a switch is neither 0 nor 1")) { try parse([(identifier, 2)]) }
    }

    @Test func `too many settings are too much`() {
        let pairs = (0..<65).map { (UInt64($0) * 31 + 0x21, UInt64(0)) }
        #expect(throws: HTTP3Error(.excessiveLoad, "too many SETTINGS")) { try parse(pairs) }
    }

    @Test func `every prefix is whole pairs or an error`() throws {
        let payload = HTTP3Settings([.init(.h3Datagram, 1), .init(.webTransportMaxSessionsDraft07, 1 << 40)]).payload
        for length in 0...payload.count {
            let prefix = Array(payload.prefix(length))
            switch length {
            case 0, 2, payload.count: _ = try HTTP3Settings(parsing: prefix.span)
            default: #expect(throws: HTTP3Error.self) { try HTTP3Settings(parsing: prefix.span) }
            }
        }
    }
}
