package import Wire

extension PeerAddress {
    /// The address that `literal` spells: four decimal numbers, or IPv6 (RFC 4291 section 2.2). Names are none.
    package init?(literal: Substring, port: UInt16) {
        if let ipv4 = Self.ipv4(literal) {
            self.init(ipv4: ipv4, port: port)
        } else if let groups = Self.ipv6(literal) {
            let words = groups.map(UInt64.init)
            self.init(
                high: words[0] << 48 | words[1] << 32 | words[2] << 16 | words[3],
                low: words[4] << 48 | words[5] << 32 | words[6] << 16 | words[7], port: port)
        } else {
            return nil
        }
    }

    /// The address without its port, as a candidate spells it.
    package var literal: String {
        if let ipv4 { return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255)" }
        return [high, low].flatMap { word in [48, 32, 16, 0].map { String(word >> UInt64($0) & 0xFFFF, radix: 16) } }
            .joined(separator: ":")
    }

    /// `IP4` or `IP6`, and the address: what stands in a `c=` line after `IN`.
    var connection: String { "IN \(ipv4 == nil ? "IP6" : "IP4") \(literal)" }

    private static func ipv4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard part.utf8.count <= 3, let byte = part.decimal(UInt8.self) else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    /// Eight groups; `::` stands once for the zeros that are missing.
    private static func ipv6(_ text: Substring) -> [UInt16]? {
        guard text.utf8.count <= 45, text.contains(":") else { return nil }
        let halves = halvesAroundGap(text)
        guard let head = groups(halves.head, isLast: halves.tail == nil) else { return nil }
        guard let tailText = halves.tail else { return head.count == 8 ? head : nil }
        guard let tail = groups(tailText, isLast: true), head.count + tail.count < 8 else { return nil }
        return head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func halvesAroundGap(_ text: Substring) -> (head: Substring, tail: Substring?) {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                return (text[..<index], text[text.index(after: next)...])
            }
            index = next
        }
        return (text, nil)
    }

    /// Groups between colons; the last may be an IPv4 address, which is two.
    private static func groups(_ text: Substring, isLast: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if isLast, index == parts.count - 1, let ipv4 = ipv4(part) {
                groups += [UInt16(truncatingIfNeeded: ipv4 >> 16), UInt16(truncatingIfNeeded: ipv4)]
            } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
                let group = UInt16(part, radix: 16)
            {
                groups.append(group)
            } else {
                return nil
            }
        }
        return groups.count <= 8 ? groups : nil
    }
}
