internal import FoundationEssentials

/// The one place that reads and writes JSON, so that it can be exchanged. Output has sorted keys: the same value
/// gives the same bytes on every run. One event of the size of `conversation.item.added` costs about 5 µs either way.
package enum JSON {
    /// - Returns: nothing only where `value` cannot be JSON (a number that is not finite); events hold no such value.
    package static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return [] }
        return [UInt8](data)
    }

    /// Reads one JSON object.
    /// - Throws: `EventError` with code `invalid_json`, or with the code and parameter of the first field that is wrong.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8], depthLimit: Int) throws(EventError) -> Value {
        guard isNested(bytes, within: depthLimit) else {
            throw EventError(code: .tooDeep, message: "The event nests objects or arrays more than \(depthLimit) deep.")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as EventError {
            throw error
        } catch let error as DecodingError {
            throw EventError(decoding: error)
        } catch {
            throw .notJSON
        }
    }

    /// The bytes of a base64 text (RFC 4648 section 4), or `nil` where it is none.
    package static func decodeBase64(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { [UInt8]($0) } }

    /// Base64 with padding (RFC 4648 section 4).
    package static func encodeBase64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// Whether brackets outside of strings open at most `limit` deep. Says nothing else about the bytes.
    static func isNested(_ bytes: [UInt8], within limit: Int) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped { isEscaped = false }
                else if byte == UInt8(ascii: "\\") { isEscaped = true }
                else if byte == UInt8(ascii: "\"") { isInString = false }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth > limit { return false }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return true
    }
}

/// A part of an event that is kept and given back, but never looked into: tools, metadata, tracing.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() { self = .null }
        else if let value = try? container.decode(Bool.self) { self = .bool(value) }
        else if let value = try? container.decode(Int64.self) { self = .integer(value) }
        else if let value = try? container.decode(Double.self) { self = .number(value) }
        else if let value = try? container.decode(String.self) { self = .string(value) }
        else if let value = try? container.decode([JSONValue].self) { self = .array(value) }
        else { self = .object(try container.decode([String: JSONValue].self)) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// A field of an update, where leaving it out and clearing it are different wishes.
package enum Field<Value> {
    case absent
    case null
    case value(Value)

    /// The value, where one is given.
    package var value: Value? {
        if case .value(let value) = self { value } else { nil }
    }

    package var isPresent: Bool {
        if case .absent = self { false } else { true }
    }
}

extension Field: Sendable where Value: Sendable {}
extension Field: Equatable where Value: Equatable {}
extension Field: Hashable where Value: Hashable {}

extension KeyedDecodingContainer {
    func decodeField<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Field<Value> {
        guard contains(key) else { return .absent }
        if try decodeNil(forKey: key) { return .null }
        return .value(try decode(type, forKey: key))
    }
}

extension KeyedEncodingContainer {
    mutating func encodeField<Value: Encodable>(_ field: Field<Value>, forKey key: Key) throws {
        switch field {
        case .absent: break
        case .null: try encodeNil(forKey: key)
        case .value(let value): try encode(value, forKey: key)
        }
    }
}
