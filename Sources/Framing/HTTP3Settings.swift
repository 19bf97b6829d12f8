internal import Wire

/// The SETTINGS of one endpoint (RFC 9114 section 7.2.4), in the order in which they travel.
package struct HTTP3Settings: Hashable, Sendable {
    /// One identifier, as it travels.
    package struct Identifier: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        package static let qpackMaxTableCapacity = Self(rawValue: 0x1)
        package static let maxFieldSectionSize = Self(rawValue: 0x6)
        package static let qpackBlockedStreams = Self(rawValue: 0x7)
        /// RFC 9220.
        package static let enableConnectProtocol = Self(rawValue: 0x8)
        /// RFC 9297, and the same of its draft 04.
        package static let h3Datagram = Self(rawValue: 0x33)
        package static let h3DatagramDraft04 = Self(rawValue: 0xFFD277)
        /// WebTransport of draft-02 (what Chromium and Firefox key on).
        package static let enableWebTransport = Self(rawValue: 0x2B60_3742)
        /// WebTransport of draft-07 to -12.
        package static let webTransportMaxSessionsDraft07 = Self(rawValue: 0xC671_706A)
        /// WebTransport of draft-13 and -14 (Safari).
        package static let webTransportMaxSessions = Self(rawValue: 0x14E9_CD29)
        /// WebTransport of draft-15 and -16.
        package static let webTransportEnabled = Self(rawValue: 0x2C7C_F000)
        package static let webTransportInitialMaxData = Self(rawValue: 0x2B61)
        package static let webTransportInitialMaxStreamsUni = Self(rawValue: 0x2B64)
        package static let webTransportInitialMaxStreamsBidi = Self(rawValue: 0x2B65)
    }

    package struct Setting: Hashable, Sendable {
        package var identifier: Identifier
        package var value: UInt64

        package init(_ identifier: Identifier, _ value: UInt64) {
            self.identifier = identifier
            self.value = value
        }
    }

    package private(set) var settings: [Setting]

    package init(_ settings: [Setting] = []) { self.settings = settings }

    /// The value sent for `identifier`; `nil` when it was not sent.
    package subscript(identifier: Identifier) -> UInt64? {
        settings.first { $0.identifier == identifier }?.value
    }
}

extension HTTP3Settings {
    /// The most settings that are read before the peer is told H3_EXCESSIVE_LOAD.
    package static let maximumCount = 64

    /// Reads the payload of a SETTINGS frame.
    /// - Throws: H3_SETTINGS_ERROR for an identifier that comes twice, is reserved by HTTP/2, or has a value out of its
    ///   range; H3_FRAME_ERROR when a pair is cut short; H3_EXCESSIVE_LOAD over `maximumCount`.
    package init(parsing payload: Span<UInt8>) throws(HTTP3Error) {
        settings = []
        var reader = ByteReader(payload)
        while !reader.isAtEnd {
            guard let identifier = try? reader.readVarInt(), let value = try? reader.readVarInt() else {
                throw HTTP3Error(.frameError, "SETTINGS end inside a pair")
            }
            guard settings.count < Self.maximumCount else { throw HTTP3Error(.excessiveLoad, "too many SETTINGS") }
            try add(Setting(Identifier(rawValue: identifier), value))
        }
    }

    private mutating func add(_ setting: Setting) throws(HTTP3Error) {
        // RFC 9114 section 7.2.4.1: HTTP/2's identifiers without a meaning here.
        guard ![0x0, 0x2, 0x3, 0x4, 0x5].contains(setting.identifier.rawValue) else {
            throw HTTP3Error(.settingsError, "a setting of HTTP/2")
        }
        guard self[setting.identifier] == nil else { throw HTTP3Error(.settingsError, "a setting came twice") }
        switch setting.identifier {
        case .enableConnectProtocol, .h3Datagram, .webTransportEnabled:
            guard setting.value <= 1 else { throw HTTP3Error(.settingsError, "a switch is neither 0 nor 1") }
        default: break
        }
        settings.append(setting)
    }

    /// Whether nothing of what `earlier` allowed is missing here (RFC 9114 section 7.2.4.2). Each setting of ours is a limit or
    /// a switch, and so are those that we read; what we do not know binds nobody.
    package func keeps(_ earlier: HTTP3Settings) -> Bool {
        earlier.settings.allSatisfy { setting in
            !Self.known.contains(setting.identifier) || self[setting.identifier] ?? 0 >= setting.value
        }
    }

    private static let known: Set<Identifier> = [
        .qpackMaxTableCapacity, .maxFieldSectionSize, .qpackBlockedStreams, .enableConnectProtocol, .h3Datagram, .h3DatagramDraft04,
        .enableWebTransport, .webTransportMaxSessionsDraft07, .webTransportMaxSessions, .webTransportEnabled,
        .webTransportInitialMaxData, .webTransportInitialMaxStreamsUni, .webTransportInitialMaxStreamsBidi,
    ]

    /// The payload of the SETTINGS frame.
    package var payload: [UInt8] {
        var bytes: [UInt8] = []
        for setting in settings {
            bytes.append(varInt: setting.identifier.rawValue)
            bytes.append(varInt: setting.value)
        }
        return bytes
    }
}

extension HTTP3Settings {
    /// Whether HTTP datagrams may be sent to this endpoint (RFC 9297, or the draft that older peers speak).
    package var allowsDatagrams: Bool { self[.h3Datagram] == 1 || self[.h3DatagramDraft04] == 1 }

    /// Whether this endpoint speaks WebTransport in any of the drafts that we know.
    package var allowsWebTransport: Bool {
        [.enableWebTransport, .webTransportMaxSessionsDraft07, .webTransportMaxSessions, .webTransportEnabled]
            .contains { (self[$0] ?? 0) > 0 }
    }

    /// Whether this endpoint asks for WebTransport's own flow control
    /// (draft-ietf-webtrans-http3-16 section 5.1): it is active when both ends ask.
    package var asksForSessionFlowControl: Bool {
        [.webTransportInitialMaxData, .webTransportInitialMaxStreamsUni, .webTransportInitialMaxStreamsBidi]
            .contains { (self[$0] ?? 0) > 0 }
    }
}
