#pragma once
#include <stdint.h>

// OpenSSL asks the C library what time it is, and usrsctp asks it for the time and for random numbers. This target defines
// the two functions they ask, `gettimeofday` and `syscall`, so that a simulation can answer instead. The dynamic linker
// prefers a program's own symbols, so to link this target is to interpose.
//
// All state belongs to the thread that set it. A thread that set nothing gets what the C library and the kernel answer.

/// From now on `gettimeofday` answers, on this thread, a fixed date plus this time.
/// @param nanoseconds Since the origin of the virtual clock. What is below a microsecond is cut off.
void parallax_virtual_clock_set(int64_t nanoseconds);

/// `gettimeofday` is the real one again on this thread, and `syscall(SYS_getrandom, …)` too.
void parallax_virtual_clock_clear(void);

/// From now on `syscall(SYS_getrandom, …)` answers, on this thread, with a repeatable stream that begins anew.
/// It does nothing to `getrandom`, which is another function, and nothing to a call with GRND_NONBLOCK.
void parallax_virtual_clock_seed(uint64_t seed);
