#define _GNU_SOURCE
#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int parallax_unshare(int namespaces) {
    int flags = 0;
    if (namespaces & PARALLAX_NETWORK_NAMESPACE) flags |= CLONE_NEWNET;
    if (namespaces & PARALLAX_USER_NAMESPACE) flags |= CLONE_NEWUSER;
    return unshare(flags);
}

static struct ifreq request_for(const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    return request;
}

int parallax_tun_attach(int descriptor, const char *name) {
    struct ifreq request = request_for(name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    return ioctl(descriptor, TUNSETIFF, &request);
}

/// Settings of interfaces are asked for on a socket of any kind, which says the namespace.
static int ask(unsigned long what, struct ifreq *request) {
    int socket_descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_descriptor < 0) return -1;
    int result = ioctl(socket_descriptor, what, request);
    int reason = errno;
    close(socket_descriptor);
    errno = reason;
    return result;
}

static int set_ipv4(const char *name, unsigned long what, uint32_t value) {
    struct ifreq request = request_for(name);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = value};
    memcpy(&request.ifr_addr, &address, sizeof address);
    return ask(what, &request);
}

int parallax_interface_set_address(const char *name, uint32_t address, uint32_t mask) {
    if (set_ipv4(name, SIOCSIFADDR, address) < 0) return -1;
    return set_ipv4(name, SIOCSIFNETMASK, mask);
}

int parallax_interface_set_limits(const char *name, int packet_byte_count, int queue_length) {
    struct ifreq request = request_for(name);
    request.ifr_mtu = packet_byte_count;
    if (ask(SIOCSIFMTU, &request) < 0) return -1;
    request = request_for(name);
    request.ifr_qlen = queue_length;
    return ask(SIOCSIFTXQLEN, &request);
}

int parallax_interface_up(const char *name) {
    struct ifreq request = request_for(name);
    if (ask(SIOCGIFFLAGS, &request) < 0) return -1;
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ask(SIOCSIFFLAGS, &request);
}

/// Appends an attribute to a message that has room for it.
static struct rtattr *append(struct nlmsghdr *message, unsigned short type, const void *value, size_t byte_count) {
    struct rtattr *attribute = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = RTA_LENGTH(byte_count);
    if (byte_count) memcpy(RTA_DATA(attribute), value, byte_count);
    message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    return attribute;
}

int parallax_interface_set_congestion_control(const char *name, uint32_t network, unsigned prefix_length, const char *algorithm) {
    struct {
        struct nlmsghdr header;
        struct rtmsg route;
        char attributes[128];
    } request;
    memset(&request, 0, sizeof request);
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.route);
    request.header.nlmsg_type = RTM_NEWROUTE;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE | NLM_F_CREATE;
    // The route that the kernel made with the interface's address, found by its destination.
    request.route = (struct rtmsg){
        .rtm_family = AF_INET, .rtm_dst_len = prefix_length, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_KERNEL,
        .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST};
    int index = (int)if_nametoindex(name);
    append(&request.header, RTA_DST, &network, sizeof network);
    append(&request.header, RTA_OIF, &index, sizeof index);
    struct rtattr *metrics = append(&request.header, RTA_METRICS, NULL, 0);
    append(&request.header, RTAX_CC_ALGO, algorithm, strnlen(algorithm, 15) + 1);
    metrics->rta_len = (unsigned short)((char *)&request + request.header.nlmsg_len - (char *)metrics);

    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (descriptor < 0) return -1;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[256];
    } answer;
    int result = -1;
    if (send(descriptor, &request, request.header.nlmsg_len, 0) >= 0 && recv(descriptor, &answer, sizeof answer, 0) >= (ssize_t)NLMSG_LENGTH(sizeof answer.error)) {
        errno = -answer.error.error;
        result = answer.error.error ? -1 : 0;
    }
    int reason = errno;
    close(descriptor);
    errno = reason;
    return result;
}

int parallax_wait(struct pollfd *descriptors, unsigned count, int64_t nanoseconds) {
    if (nanoseconds < 0) return ppoll(descriptors, count, NULL, NULL);
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return ppoll(descriptors, count, &time, NULL);
}

int parallax_run_first(void) {
    struct sched_param priority = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &priority);
}

int parallax_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
