// OpenSSL 3.0: DTLS 1.2 and the certificates for it. Swift imports neither function-like macros, nor variadic functions,
// nor constants that are cast: each inline here stands for one of them.
#pragma once
#include <stdint.h>
#include <sys/time.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// SSL_OP_* are macros with a shift of a cast constant.
static const uint64_t parallax_dtls_options =
    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU | SSL_OP_NO_COMPRESSION |
    SSL_OP_CIPHER_SERVER_PREFERENCE;

// Macros over SSL_CTX_ctrl.
static inline int parallax_SSL_CTX_set_dtls12_only(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
}
static inline int parallax_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline int parallax_SSL_CTX_set1_sigalgs_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_sigalgs_list(context, list);
}
static inline void parallax_SSL_CTX_set_session_cache_off(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// Macros over SSL_ctrl.
static inline int parallax_SSL_set_mtu(SSL *ssl, long byte_count) { return (int)SSL_set_mtu(ssl, byte_count); }
static inline void parallax_SSL_set_max_cert_list(SSL *ssl, long byte_count) { SSL_set_max_cert_list(ssl, byte_count); }
static inline int parallax_SSL_set_max_send_fragment(SSL *ssl, long byte_count) {
    return (int)SSL_set_max_send_fragment(ssl, byte_count);
}
static inline int parallax_DTLSv1_get_timeout(SSL *ssl, struct timeval *left) {
    return (int)DTLSv1_get_timeout(ssl, left);
}
static inline int parallax_DTLSv1_handle_timeout(SSL *ssl) { return (int)DTLSv1_handle_timeout(ssl); }

// A macro over SSL_set_ex_data and SSL_get_ex_data.
static inline void parallax_SSL_set_app_data(SSL *ssl, void *data) { SSL_set_app_data(ssl, data); }
static inline void *parallax_SSL_get_app_data(const SSL *ssl) { return SSL_get_app_data(ssl); }

// Macros over the flags of a BIO.
static inline void parallax_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void parallax_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

// Macros with a cast or a shift inside.
static inline int parallax_BIO_TYPE_datagram(void) { return BIO_get_new_index() | BIO_TYPE_SOURCE_SINK; }
static inline int parallax_ERR_reason(unsigned long code) { return ERR_GET_REASON(code); }

// EVP_PKEY_Q_keygen is variadic.
static inline EVP_PKEY *parallax_EVP_P256_keygen(void) { return EVP_EC_gen("P-256"); }
static inline EVP_PKEY *parallax_EVP_ed25519_keygen(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }

// A macro over another macro with an operator.
static const int parallax_MBSTRING_UTF8 = MBSTRING_UTF8;
