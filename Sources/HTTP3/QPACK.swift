internal import CNghttp3
package import Framing
internal import Wire

// QPACK by nghttp3 (RFC 9204), with dynamic tables of capacity 0 at both ends. This is the only file of the target that
// touches C memory.

/// Encodes field sections. It uses no dynamic table, so it needs no encoder stream and its output depends on its input alone.
package final class QPACKEncoder {
    private let encoder: OpaquePointer

    /// - Throws: H3_INTERNAL_ERROR when there is no memory.
    package init() throws(HTTP3Error) {
        var encoder: OpaquePointer?
        guard nghttp3_qpack_encoder_new(&encoder, 0, nghttp3_mem_default()) == 0, let encoder else {
            throw HTTP3Error(.internalError, "no QPACK encoder")
        }
        self.encoder = encoder
    }

    deinit { nghttp3_qpack_encoder_del(encoder) }

    /// The encoded field section of a HEADERS frame on `stream`.
    package func encode(_ fields: [HeaderField], stream: Int64) throws(HTTP3Error) -> [UInt8] {
        // All names and values in one array, so that one pointer reaches them all for the call's duration.
        var text: [UInt8] = []
        var lengths: [(name: Int, value: Int)] = []
        for field in fields {
            text.append(contentsOf: field.name.utf8)
            text.append(contentsOf: field.value.utf8)
            lengths.append((field.name.utf8.count, field.value.utf8.count))
        }
        let mem = nghttp3_mem_default()
        var prefix = nghttp3_buf(), section = nghttp3_buf(), instructions = nghttp3_buf()
        defer {
            nghttp3_buf_free(&prefix, mem)
            nghttp3_buf_free(&section, mem)
            nghttp3_buf_free(&instructions, mem)
        }
        let status = text.withUnsafeMutableBufferPointer { text in
            var start = text.baseAddress
            let pairs = lengths.map { name, value in
                defer { start = start?.advanced(by: name + value) }
                return nghttp3_nv(
                    name: start, value: start?.advanced(by: name), namelen: name, valuelen: value,
                    flags: UInt8(NGHTTP3_NV_FLAG_NONE))
            }
            return nghttp3_qpack_encoder_encode(
                encoder, &prefix, &section, &instructions, stream, pairs, pairs.count)
        }
        guard status == 0, nghttp3_buf_len(&instructions) == 0 else {
            throw HTTP3Error(.internalError, "QPACK encoding failed")
        }
        return Self.bytes(prefix) + Self.bytes(section)
    }

    /// Takes what came on the peer's decoder stream.
    /// - Throws: QPACK_DECODER_STREAM_ERROR: with an empty table there is nothing to acknowledge.
    package func readDecoderStream(_ bytes: [UInt8]) throws(HTTP3Error) {
        guard nghttp3_qpack_encoder_read_decoder(encoder, bytes, bytes.count) == bytes.count else {
            throw HTTP3Error(.qpackDecoderStreamError, "an instruction on the decoder stream is invalid")
        }
    }

    private static func bytes(_ buffer: nghttp3_buf) -> [UInt8] {
        guard let first = buffer.pos, let end = buffer.last else { return [] }
        return Array(UnsafeBufferPointer(start: first, count: end - first))
    }
}

/// Decodes field sections within limits.
package final class QPACKDecoder {
    /// What a decoded field section may hold.
    package struct Limits: Hashable, Sendable {
        package var fieldCount = 128
        /// The size of RFC 9114 section 4.2.2: names, values and 32 bytes for each field.
        package var sectionByteCount = 32 * 1024

        package init() {}
    }

    private let decoder: OpaquePointer
    package let limits: Limits

    /// - Throws: H3_INTERNAL_ERROR when there is no memory.
    package init(limits: Limits = Limits()) throws(HTTP3Error) {
        var decoder: OpaquePointer?
        guard nghttp3_qpack_decoder_new(&decoder, 0, 0, nghttp3_mem_default()) == 0, let decoder else {
            throw HTTP3Error(.internalError, "no QPACK decoder")
        }
        self.decoder = decoder
        self.limits = limits
    }

    deinit { nghttp3_qpack_decoder_del(decoder) }

    /// The fields of one encoded section, in order.
    /// - Throws: QPACK_DECOMPRESSION_FAILED; H3_EXCESSIVE_LOAD over the limits.
    package func decode(_ section: [UInt8], stream: Int64) throws(HTTP3Error) -> [HeaderField] {
        var context: OpaquePointer?
        guard nghttp3_qpack_stream_context_new(&context, stream, nghttp3_mem_default()) == 0, let context else {
            throw HTTP3Error(.internalError, "no QPACK context")
        }
        defer { nghttp3_qpack_stream_context_del(context) }
        var fields: [HeaderField] = []
        var sectionByteCount = 0
        var offset = 0
        while true {
            var pair = nghttp3_qpack_nv()
            var flags: UInt8 = 0
            let read = section.withUnsafeBufferPointer { section in
                nghttp3_qpack_decoder_read_request(
                    decoder, context, &pair, &flags, section.baseAddress?.advanced(by: offset), section.count - offset, 1)
            }
            guard read >= 0, UInt32(flags) & UInt32(NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) == 0 else {
                throw HTTP3Error(.qpackDecompressionFailed, "a field section cannot be decoded")
            }
            offset += read
            if UInt32(flags) & UInt32(NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0 { return fields }
            guard UInt32(flags) & UInt32(NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0 else {
                guard read > 0 else { throw HTTP3Error(.qpackDecompressionFailed, "a field section is cut short") }
                continue
            }
            let field = HeaderField(Self.takeString(pair.name), Self.takeString(pair.value))
            sectionByteCount += field.name.utf8.count + field.value.utf8.count + 32
            guard fields.count < limits.fieldCount, sectionByteCount <= limits.sectionByteCount else {
                throw HTTP3Error(.excessiveLoad, "a field section is over its limit")
            }
            fields.append(field)
        }
    }

    /// Takes what came on the peer's encoder stream.
    /// - Throws: QPACK_ENCODER_STREAM_ERROR for everything that needs a table.
    package func readEncoderStream(_ bytes: [UInt8]) throws(HTTP3Error) {
        guard nghttp3_qpack_decoder_read_encoder(decoder, bytes, bytes.count) == bytes.count else {
            throw HTTP3Error(.qpackEncoderStreamError, "an instruction on the encoder stream is invalid")
        }
    }

    /// The text of `buffer`, which nghttp3 handed over with a reference of its own.
    private static func takeString(_ buffer: OpaquePointer?) -> String {
        guard let buffer else { return "" }
        defer { nghttp3_rcbuf_decref(buffer) }
        let bytes = nghttp3_rcbuf_get_buf(buffer)
        return String(decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len), as: UTF8.self)
    }
}
