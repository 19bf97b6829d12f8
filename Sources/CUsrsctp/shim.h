#pragma once
#include <errno.h>
#include <stdlib.h>
#include <usrsctp.h>

// What Swift does not import, or imports under names that clash with other modules, has a function here.

/// What usrsctp hands to a socket's owner; the owner frees `data`.
typedef int (*parallax_sctp_receive)(
    struct socket *socket, union sctp_sockstore address, void *data, size_t count, struct sctp_rcvinfo info, int flags,
    void *owner);

/// A one-to-one socket over AF_CONN (RFC 6458 section 4): SOCK_STREAM is an enumeration in C and another one in Swift.
static inline struct socket *parallax_sctp_socket(parallax_sctp_receive receive, void *owner) {
    return usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, receive, NULL, 0, owner);
}

/// `MSG_EOR` among the flags of `parallax_sctp_receive`: an enumeration in C.
static const int parallax_sctp_end_of_record = MSG_EOR;

/// Frees what `parallax_sctp_receive` was handed, with the C library's own `free`.
static inline void parallax_sctp_free(void *data) { free(data); }

/// Closing sends an ABORT and leaves nothing behind that could still send.
static inline int parallax_sctp_abort_on_close(struct socket *socket) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    return usrsctp_setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/// Gives an endpoint its address, and its association the same one as the peer's: both ends of AF_CONN are one pointer.
static inline struct sockaddr_conn parallax_sctp_address(void *address, uint16_t port) {
    struct sockaddr_conn result = {.sconn_family = AF_CONN, .sconn_port = htons(port), .sconn_addr = address};
    return result;
}

static inline int parallax_sctp_bind(struct socket *socket, void *address, uint16_t port) {
    struct sockaddr_conn local = parallax_sctp_address(address, port);
    return usrsctp_bind(socket, (struct sockaddr *)&local, sizeof local);
}

static inline int parallax_sctp_connect(struct socket *socket, void *address, uint16_t port) {
    struct sockaddr_conn remote = parallax_sctp_address(address, port);
    return usrsctp_connect(socket, (struct sockaddr *)&remote, sizeof remote);
}

/// Whether the last call failed only because it may not wait.
static inline int parallax_sctp_is_in_progress(void) { return errno == EINPROGRESS; }
static inline int parallax_sctp_would_block(void) { return errno == EWOULDBLOCK; }

static inline int parallax_sctp_set_buffers(struct socket *socket, int send_byte_count, int receive_byte_count) {
    int result =
        usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &send_byte_count, sizeof send_byte_count);
    if (result != 0) return result;
    return usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receive_byte_count, sizeof receive_byte_count);
}

/// Whether the peer ended the association: the socket's pending error, which this takes.
static inline int parallax_sctp_was_reset(struct socket *socket) {
    int error = 0;
    socklen_t count = sizeof error;
    if (usrsctp_getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &count) != 0) return 0;
    return error == ECONNRESET || error == ECONNREFUSED;
}

/// The output function without the debug printer, whose type has a variable number of arguments.
static inline void parallax_sctp_start(
    int (*output)(void *address, void *packet, size_t count, uint8_t tos, uint8_t dont_fragment)) {
    usrsctp_init_nothreads(0, output, NULL);
}

/// Bytes handed over that are not yet acknowledged: `SCTP_GET_SNDBUF_USE` of the kernel implementation, which the library
/// has and its public header leaves out. -1 without an association.
static inline int64_t parallax_sctp_unacknowledged(struct socket *socket) {
    struct {
        sctp_assoc_t association;
        uint32_t send_byte_count;
        uint32_t receive_byte_count;
    } use = {0};
    socklen_t count = sizeof use;
    if (usrsctp_getsockopt(socket, IPPROTO_SCTP, 0x1101, &use, &count) != 0) return -1;
    return use.send_byte_count;
}
