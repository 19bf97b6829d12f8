#pragma once
#include <poll.h>
#include <stdint.h>

// System calls that Swift cannot make: glibc declares some only under _GNU_SOURCE, and ioctl takes a variable number of
// arguments. Each answers what the call answers: 0 or more, or -1 with the reason in errno.

/// Which namespaces `parallax_unshare` makes anew.
enum {
    PARALLAX_NETWORK_NAMESPACE = 1,
    PARALLAX_USER_NAMESPACE = 2,
};

/// Moves this thread into namespaces of its own; with a user namespace the process may have one thread only (unshare(2)).
int parallax_unshare(int namespaces);

/// Makes `descriptor`, an open /dev/net/tun, the other end of a new TUN device: a read is one IP packet, without a header
/// of the device's own.
int parallax_tun_attach(int descriptor, const char *name);

/// Gives an interface of this thread's network namespace an IPv4 address; both numbers are in network order.
int parallax_interface_set_address(const char *name, uint32_t address, uint32_t mask);

/// The longest packet, and how many packets may wait to be read from the device.
int parallax_interface_set_limits(const char *name, int packet_byte_count, int queue_length);

/// Lets packets through.
int parallax_interface_up(const char *name);

/// Has TCP connections over the network of an interface's address use the congestion control of that name, whatever is usual on
/// this machine: an attribute of the route (RTAX_CC_ALGO), which asks for no privilege beyond those over the namespace.
int parallax_interface_set_congestion_control(const char *name, uint32_t network, unsigned prefix_length, const char *algorithm);

/// poll with nanoseconds; less than 0 waits for ever.
int parallax_wait(struct pollfd *descriptors, unsigned count, int64_t nanoseconds);

/// Asks that this thread runs before all others that want to (SCHED_FIFO). Only the privileged are granted it.
int parallax_run_first(void);

/// A pipe of which no child inherits an end by accident.
int parallax_pipe(int ends[2]);
