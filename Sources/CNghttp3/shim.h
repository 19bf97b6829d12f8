// nghttp3 0.8: used for QPACK alone; framing is ours (Sources/HTTP3).
#pragma once
#include <nghttp3/nghttp3.h>
