#pragma once
#include <opus/opus.h>

// opus_encoder_ctl takes a variable number of arguments, which Swift does not import.
// Each setting that is used has its own function here; all answer OPUS_OK or an error code.

/// Bits a second, 500 to 512,000.
static inline int parallax_opus_set_bitrate(OpusEncoder *encoder, opus_int32 bits) {
    return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits));
}

/// 0, the fastest, to 10.
static inline int parallax_opus_set_complexity(OpusEncoder *encoder, opus_int32 complexity) {
    return opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
}

/// 1 lets packets carry a low-rate copy of the frame before them; none does while the expected loss is 0.
static inline int parallax_opus_set_inband_fec(OpusEncoder *encoder, opus_int32 on) {
    return opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(on));
}

/// Expected loss in percent, 0 to 100.
static inline int parallax_opus_set_packet_loss_percent(OpusEncoder *encoder, opus_int32 percent) {
    return opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(percent));
}

/// How many samples, at the encoder's rate, the decoded sound comes late.
static inline int parallax_opus_get_lookahead(OpusEncoder *encoder, opus_int32 *samples) {
    return opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(samples));
}
