// What a turn needs on every transport: bytes, and the hash of a prompt.

export const RTP_HEADER_BYTES = 12;
export const RECEIPT = "conversation.item.input_audio_integrity.completed";

export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export function concatenate(...arrays) {
  const whole = new Uint8Array(arrays.reduce((length, array) => length + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    whole.set(array, offset);
    offset += array.length;
  }
  return whole;
}

async function promptHash(payloads) {
  const pieces = payloads.flatMap((payload) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, payload.length);
    return [length, payload];
  });
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", concatenate(...pieces))));
}

/** The commit of these RTP packets, with the manifest by which the server can judge what it got. */
export async function commitOf(packets) {
  const payloads = packets.map((packet) => packet.subarray(RTP_HEADER_BYTES));
  return {
    type: "input_audio_buffer.commit",
    parallax: {
      first_sequence: new DataView(packets[0].buffer).getUint16(2),
      frames: packets.length,
      sha256: await promptHash(payloads),
    },
  };
}

export const chooseMode = (mode) => ({
  type: "session.update",
  session: { type: "realtime", parallax: { reliability: { mode } } },
});
