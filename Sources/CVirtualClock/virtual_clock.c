#define _GNU_SOURCE
#include "virtual_clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

// <unistd.h> is not included: it declares `syscall` with a variable number of arguments, and a definition of that kind
// could not pass on all six without reading some that were never given. On x86-64 and AArch64 the first seven arguments
// of a variadic call travel in the places where this definition expects them.
long syscall(long number, long a, long b, long c, long d, long e, long f);

/// The date at which a virtual clock starts: 14 November 2023, 22:13:20 UTC.
static const int64_t epoch_seconds = 1700000000;

static _Thread_local bool clock_is_set;
static _Thread_local int64_t clock_nanoseconds;
static _Thread_local bool is_seeded;
static _Thread_local uint64_t random_state;

void parallax_virtual_clock_set(int64_t nanoseconds) {
    clock_is_set = true;
    clock_nanoseconds = nanoseconds;
}

void parallax_virtual_clock_clear(void) {
    clock_is_set = false;
    is_seeded = false;
}

void parallax_virtual_clock_seed(uint64_t seed) {
    is_seeded = true;
    random_state = seed;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    // The zone is obsolete and glibc leaves it zero.
    if (zone != NULL) {
        struct timezone *fields = zone;
        fields->tz_minuteswest = 0;
        fields->tz_dsttime = 0;
    }
    if (clock_is_set) {
        time->tv_sec = epoch_seconds + clock_nanoseconds / 1000000000;
        time->tv_usec = clock_nanoseconds % 1000000000 / 1000;
        return 0;
    }
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}

/// SplitMix64, as Wire has it.
static uint64_t next_random(void) {
    random_state += 0x9E3779B97F4A7C15;
    uint64_t mixed = random_state;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

static void fill_random(uint8_t *bytes, size_t count) {
    uint64_t word = 0;
    for (size_t index = 0; index < count; index++) {
        if (index % 8 == 0) word = next_random();
        bytes[index] = (uint8_t)word;
        word >>= 8;
    }
}

/// The kernel's answer as the kernel gives it: a negative error number, or the result.
/// Not glibc's `syscall` by `dlsym`: the first calls come before there is anything to look up.
static long enter_kernel(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#else
#error "The virtual clock knows x86-64 and AArch64."
#endif
}

long syscall(long number, long a, long b, long c, long d, long e, long f) {
    // A question that may not wait is usrsctp's when it starts, whether there is such a call at all. It takes nothing from the
    // stream: or the first simulation of a process would differ from the same one later.
    if (number == SYS_getrandom && is_seeded && (c & GRND_NONBLOCK) == 0) {
        fill_random((uint8_t *)a, (size_t)b);
        return b;
    }
    long result = enter_kernel(number, a, b, c, d, e, f);
    if (result < 0 && result >= -4095) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
