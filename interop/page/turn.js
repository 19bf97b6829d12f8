// One turn with a Parallax server by a browser's own WebTransport: speaks RTP packets that the case
// gives, commits them with a hash made here, and hears the echo.

import { RECEIPT, chooseMode, commitOf, concatenate, fromBase64, sleep, toBase64 } from "./wire.js";

// Variable-length integers up to two bytes (RFC 9000 section 16) are all that packets of speech need.
function varint(value) {
  return value < 64 ? Uint8Array.of(value) : Uint8Array.of(0x40 | (value >> 8), value & 0xff);
}

function readVarint(bytes) {
  if (bytes.length === 0) return null;
  const length = 1 << (bytes[0] >> 6);
  if (bytes.length < length) return null;
  let value = bytes[0] & 0x3f;
  for (let index = 1; index < length; index++) value = value * 256 + bytes[index];
  return { value, rest: bytes.subarray(length) };
}

/** The session's events: JSON, one a line, on the first bidirectional stream that the client opens. */
class Events {
  constructor(stream) {
    this.writer = stream.writable.getWriter();
    this.reader = stream.readable.pipeThrough(new TextDecoderStream()).getReader();
    this.text = "";
    this.log = [];
  }

  send(event) {
    return this.writer.write(new TextEncoder().encode(JSON.stringify(event) + "\n"));
  }

  /** The next event of this type; others are passed over, but an error is thrown. */
  async expect(type) {
    for (;;) {
      const end = this.text.indexOf("\n");
      if (end < 0) {
        const { value, done } = await this.reader.read();
        if (done) throw new Error(`the events ended before ${type}`);
        this.text += value;
        continue;
      }
      const event = JSON.parse(this.text.slice(0, end));
      this.text = this.text.slice(end + 1);
      this.log.push(event.type);
      if (event.type === type) return event;
      if (event.type === "error") throw new Error(`error event: ${JSON.stringify(event.error)}`);
    }
  }
}

/** The packets that the server sends, in datagrams or on streams, as they come. */
class Inbox {
  constructor(transport) {
    this.packets = [];
    this.failures = [];
    const note = (failure) => this.failures.push(String(failure));
    this.readDatagrams(transport.datagrams.readable.getReader()).catch(note);
    this.readStreams(transport.incomingUnidirectionalStreams.getReader()).catch(note);
  }

  async readDatagrams(reader) {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.packets.push(readVarint(value).rest);
    }
  }

  async readStreams(reader) {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.readPackets(value.getReader()).catch((failure) => this.failures.push(String(failure)));
    }
  }

  async readPackets(reader) {
    let pending = new Uint8Array();
    let hasFlow = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      pending = concatenate(pending, value);
      for (;;) {
        const number = readVarint(pending);
        if (number === null) break;
        if (!hasFlow) {
          hasFlow = true;
          pending = number.rest;
          continue;
        }
        if (number.rest.length < number.value) break;
        this.packets.push(number.rest.slice(0, number.value));
        pending = number.rest.slice(number.value);
      }
    }
  }

  async wait(count, milliseconds) {
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      if (this.packets.length >= count) return;
      await sleep(10);
    }
    throw new Error(`${this.packets.length} of ${count} packets came back; ${this.failures.join("; ")}`);
  }
}

async function sendPackets(transport, packets, mode) {
  const flow = varint(0);
  const framed = (packet) => concatenate(varint(packet.length), packet);
  if (mode === "datagram") {
    const datagrams = transport.datagrams;
    const writer = (datagrams.createWritable?.() ?? datagrams.writable).getWriter();
    for (const packet of packets) {
      await writer.write(concatenate(flow, packet));
      await sleep(5);
    }
  } else if (mode === "stream") {
    const writer = (await transport.createUnidirectionalStream()).getWriter();
    await writer.write(flow);
    for (const packet of packets) await writer.write(framed(packet));
  } else {
    for (const packet of packets) {
      const writer = (await transport.createUnidirectionalStream()).getWriter();
      await writer.write(concatenate(flow, framed(packet)));
      await writer.close();
    }
  }
}

/**
 * @param {{url: string, hash: string, packets: string[], mode: string, close: {closeCode: number, reason: string}}} task
 * @returns what happened, for the case to judge
 */
export async function holdTurn(task) {
  const packets = task.packets.map(fromBase64);
  const started = performance.now();
  const transport = new WebTransport(task.url, {
    serverCertificateHashes: [{ algorithm: "sha-256", value: fromBase64(task.hash) }],
  });
  await transport.ready;
  const ready_ms = performance.now() - started;
  const inbox = new Inbox(transport);
  const events = new Events(await transport.createBidirectionalStream());

  await events.send(chooseMode(task.mode));
  const created = await events.expect("session.created");
  const updated = await events.expect("session.updated");

  await sendPackets(transport, packets, task.mode);
  await events.send(await commitOf(packets));
  const receipt = await events.expect(RECEIPT);

  await events.send({ type: "response.create" });
  const response = await events.expect("response.done");
  await inbox.wait(packets.length, packets.length * 20 + 5000);

  const result = {
    ready_ms,
    max_datagram_bytes: transport.datagrams.maxDatagramSize,
    session: created.session,
    mode: updated.session.parallax.reliability.mode,
    receipt,
    response: response.response,
    echo: inbox.packets.map(toBase64),
    events: events.log,
  };
  if (task.close) {
    transport.close(task.close);
    result.closed = await transport.closed;
  }
  return result;
}
