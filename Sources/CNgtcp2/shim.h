// ngtcp2 0.12 and its GnuTLS helper. Swift imports no function-like macro, and ngtcp2 hides fifteen entry
// points behind macros that pass a structure's version; Sources/QUIC calls the versioned functions.
#pragma once
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
