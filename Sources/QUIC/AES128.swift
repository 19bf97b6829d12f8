internal import CNgtcp2

/// One block of AES-128-ECB. GnuTLS offers no ECB, so this is CBC with a zero initialisation vector over one block,
/// which is the same thing.
enum AES128 {
    static func encryptBlock(_ block: [UInt8], key: [UInt8]) -> [UInt8] { transform(block, key: key, gnutls_cipher_encrypt) }
    static func decryptBlock(_ block: [UInt8], key: [UInt8]) -> [UInt8] { transform(block, key: key, gnutls_cipher_decrypt) }

    private static func transform(
        _ block: [UInt8], key: [UInt8],
        _ operation: (gnutls_cipher_hd_t, UnsafeMutableRawPointer?, Int) -> Int32
    ) -> [UInt8] {
        precondition(block.count == 16 && key.count == 16, "AES-128 takes blocks and keys of 16 bytes")
        var result = block
        var key = key
        var zero = [UInt8](repeating: 0, count: 16)
        let status = key.withUnsafeMutableBufferPointer { keyBuffer in
            zero.withUnsafeMutableBufferPointer { zeroBuffer in
                var keyDatum = gnutls_datum_t(data: keyBuffer.baseAddress, size: 16)
                var vectorDatum = gnutls_datum_t(data: zeroBuffer.baseAddress, size: 16)
                var handle: gnutls_cipher_hd_t?
                let initialised = gnutls_cipher_init(&handle, GNUTLS_CIPHER_AES_128_CBC, &keyDatum, &vectorDatum)
                guard initialised == 0, let handle else { return initialised }
                defer { gnutls_cipher_deinit(handle) }
                return result.withUnsafeMutableBytes { operation(handle, $0.baseAddress, 16) }
            }
        }
        precondition(status == 0, "GnuTLS has AES-128")
        return result
    }
}
