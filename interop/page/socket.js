// One turn with a Parallax server by a browser's own WebSocket, as binary RTP or with base64 Opus in events, whichever
// sub-protocol the server chose of those that were offered.

import { RECEIPT, RTP_HEADER_BYTES, chooseMode, commitOf, fromBase64, sleep, toBase64 } from "./wire.js";

const OPUS = { format: { type: "audio/opus" } };

/** What the server sends, as it comes. */
class Inbox {
  constructor(socket) {
    this.events = [];
    this.echo = [];
    this.wake = () => {};
    socket.addEventListener("message", ({ data }) => {
      const event = typeof data === "string" ? JSON.parse(data) : null;
      if (event === null) this.echo.push(toBase64(new Uint8Array(data)));
      else if (event.type === "response.output_audio.delta") this.echo.push(event.delta);
      else this.events.push(event);
      this.wake();
    });
  }

  /** The next event of this type; others are passed over, but an error is thrown. */
  async expect(type) {
    for (;;) {
      const event = this.events.shift();
      if (event === undefined) {
        await new Promise((done) => (this.wake = done));
      } else if (event.type === type) {
        return event;
      } else if (event.type === "error") {
        throw new Error(`error event: ${JSON.stringify(event.error)}`);
      }
    }
  }
}

export async function holdTurn(task) {
  const packets = task.packets.map(fromBase64);
  const socket = new WebSocket(task.url, task.protocols);
  socket.binaryType = "arraybuffer";
  const inbox = new Inbox(socket);
  const closed = new Promise((done) => socket.addEventListener("close", done));
  await new Promise((done, fail) => {
    socket.addEventListener("open", done);
    socket.addEventListener("error", () => fail(new Error("the WebSocket did not open")));
  });
  const send = (event) => socket.send(JSON.stringify(event));
  const isBinary = socket.protocol === "parallax.rtp";

  send(chooseMode("stream"));
  await inbox.expect("session.updated");
  if (!isBinary) {
    send({ type: "session.update", session: { type: "realtime", audio: { input: OPUS, output: OPUS } } });
    await inbox.expect("session.updated");
  }
  for (const packet of packets) {
    if (isBinary) socket.send(packet);
    else send({ type: "input_audio_buffer.append", audio: toBase64(packet.subarray(RTP_HEADER_BYTES)) });
  }
  send(await commitOf(packets));
  const receipt = await inbox.expect(RECEIPT);
  send({ type: "response.create" });
  await inbox.expect("output_audio_buffer.stopped");
  while (inbox.echo.length < packets.length) await sleep(20);
  socket.close(4000 + task.close.closeCode, task.close.reason);
  const { code } = await closed;
  return { receipt, echo: inbox.echo, protocol: socket.protocol, code };
}
