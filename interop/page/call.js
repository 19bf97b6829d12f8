// One turn with a Parallax server by a browser's own WebRTC: the microphone or RTP packets that the case gives go up, the
// echo is heard by level, and what the browser counted goes back to the case.

import { RECEIPT, chooseMode, commitOf, fromBase64, sleep, toBase64 } from "./wire.js";

const UNORDERED = { ordered: false };

/** The session's events: one a message, on the channel oai-events. */
class Events {
  constructor(channel) {
    this.channel = channel;
    this.pending = [];
    this.log = [];
    this.wake = () => {};
    channel.onmessage = ({ data }) => {
      this.pending.push(JSON.parse(data));
      this.wake();
    };
    this.closed = new Promise((done) => (channel.onclose = done));
  }

  send(event) {
    this.channel.send(JSON.stringify(event));
  }

  /** The next event of this type; others are passed over, but an error is thrown. */
  async expect(type) {
    for (;;) {
      while (this.pending.length > 0) {
        const event = this.pending.shift();
        this.log.push(event.type);
        if (event.type === type) return event;
        if (event.type === "error") throw new Error(`error event: ${JSON.stringify(event.error)}`);
      }
      const state = await Promise.race([new Promise((done) => (this.wake = done)), this.closed.then(() => "closed")]);
      if (state === "closed" && this.pending.length === 0) throw new Error(`the channel closed before ${type}`);
    }
  }
}

/** What is heard on a stream from now on, in whatever form the browser records it. */
class Recording {
  constructor(stream) {
    this.parts = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.ondataavailable = ({ data }) => this.parts.push(data);
    this.stopped = new Promise((done) => (this.recorder.onstop = done));
    this.recorder.start();
  }

  /** @returns {Promise<string>} the recording in base64 */
  async stop() {
    this.recorder.stop();
    await this.stopped;
    const reader = new FileReader();
    const read = new Promise((done) => (reader.onload = done));
    reader.readAsDataURL(new Blob(this.parts));
    await read;
    return reader.result.split(",").at(-1);
  }
}

/** The fake microphone of the browser; where it cannot play a file, an element that does. */
async function openMicrophone(task) {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  if (!task.clip) return await navigator.mediaDevices.getUserMedia({ audio });
  const element = new Audio(URL.createObjectURL(new Blob([fromBase64(task.clip)], { type: "audio/wav" })));
  element.loop = true;
  const stream = element.mozCaptureStream();
  await element.play();
  return stream;
}

async function postOffer(task, sdp) {
  const headers = { Authorization: `Bearer ${task.secret}`, "X-OpenAI-Agents-SDK": "openai-agents-sdk.interop" };
  let body = sdp;
  if (task.session) {
    body = new FormData();
    body.set("sdp", sdp);
    body.set("session", JSON.stringify(task.session));
  } else {
    headers["Content-Type"] = "application/sdp";
  }
  const response = await fetch(task.url, { method: "POST", headers, body });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`status ${response.status}: ${text}`);
  // Through a relay, where there is one in the place of the server.
  const candidate = /^(a=candidate:\S+ \d+ udp \d+ \S+) \d+ /gim;
  const answer = task.relay_port ? text.replace(candidate, `$1 ${task.relay_port} `) : text;
  return { answer, location: new URL(response.headers.get("Location"), task.url).href };
}

async function statistics(connection) {
  const report = [...(await connection.getStats()).values()];
  const pick = (type) => report.find((entry) => entry.type === type && (entry.kind ?? "audio") === "audio") ?? {};
  const codec = (entry) => report.find(({ id }) => id === entry.codecId)?.mimeType;
  const [outbound, inbound] = [pick("outbound-rtp"), pick("inbound-rtp")];
  return {
    // Once each.
    packetsSent: outbound.packetsSent - (outbound.retransmittedPacketsSent ?? 0),
    packetsSentAgain: outbound.retransmittedPacketsSent,
    sendCodec: codec(outbound),
    packetsReceived: inbound.packetsReceived,
    packetsLost: inbound.packetsLost,
    receiveCodec: codec(inbound),
    concealedSamples: inbound.concealedSamples,
    remoteInbound: pick("remote-inbound-rtp"),
  };
}

/** Waits until a count of the statistics stands still. */
async function settled(connection, name) {
  for (let before = -1; ; ) {
    const found = await statistics(connection);
    if (found[name] === before) return found;
    before = found[name];
    await sleep(300);
  }
}

/** Says the prompt through the microphone, and gives what was said and what the browser counted. */
async function speak(connection, microphone, milliseconds) {
  const recording = new Recording(microphone);
  await sleep(milliseconds);
  // Without a track nothing is sent: what was sent is the prompt.
  await connection.getSenders()[0].replaceTrack(null);
  return { spoken: await recording.stop(), stats: await settled(connection, "packetsSent") };
}

/** Says the prompt as the RTP packets given, on a channel of its own. */
async function sendPackets(channel, packets) {
  for (const packet of packets) {
    channel.send(packet);
    await sleep(5);
  }
}

/**
 * @param {{url: string, secret: string, mode: string, session?: object, clip?: string, packets?: string[], seconds: number, end: string,
 *   relay_port?: number}} task
 * @returns what happened, for the case to judge
 */
export async function holdCall(task) {
  const microphone = await openMicrophone(task);
  const connection = new RTCPeerConnection();
  const echoed = [];
  let remote;
  connection.ontrack = ({ track }) => {
    remote = new MediaStream([track]);
    // Chromium decodes a remote track only while an element plays it.
    const element = new Audio();
    element.srcObject = remote;
    element.muted = true;
    element.play();
  };
  const hearPackets = (channel) => {
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => echoed.push(new Uint8Array(data));
  };
  connection.ondatachannel = ({ channel }) => hearPackets(channel);

  const started = performance.now();
  // In a turn by packets the microphone is not connected: what it sent would belong to the prompt.
  if (task.packets) connection.addTransceiver("audio");
  else connection.addTrack(microphone.getAudioTracks()[0], microphone);
  const channel = connection.createDataChannel("oai-events");
  const events = new Events(channel);
  const media = task.packets ? connection.createDataChannel("parallax-media", task.mode === "stream" ? {} : UNORDERED) : null;
  if (media) hearPackets(media);
  await connection.setLocalDescription(await connection.createOffer());
  const { answer, location } = await postOffer(task, connection.localDescription.sdp);
  await connection.setRemoteDescription({ type: "answer", sdp: answer });
  const created = await events.expect("session.created");
  const ready_ms = performance.now() - started;
  let mode = created.session.parallax.reliability.mode;
  if (mode !== task.mode) {
    events.send(chooseMode(task.mode));
    mode = (await events.expect("session.updated")).session.parallax.reliability.mode;
  }

  const result = { ready_ms, mode, session: created.session, location };
  if (task.packets) {
    const packets = task.packets.map(fromBase64);
    await sendPackets(media, packets);
    events.send(await commitOf(packets));
  } else {
    Object.assign(result, await speak(connection, microphone, task.seconds * 1000));
    events.send({ type: "input_audio_buffer.commit" });
  }
  result.receipt = await events.expect(RECEIPT);

  const recording = new Recording(remote);
  events.send({ type: "response.create" });
  result.response = (await events.expect("response.done")).response;
  await events.expect("output_audio_buffer.stopped");
  await sleep(500);
  result.heard = await recording.stop();
  result.echo = echoed.map(toBase64);
  result.heard_stats = await settled(connection, "packetsReceived");
  result.events = events.log;

  if (task.end === "hang up") {
    result.hang_up_status = (await fetch(`${location}/hangup`, { method: "POST" })).status;
    await events.closed;
  }
  connection.close();
  // The goodbyes leave later; after this the browser is ended.
  await sleep(500);
  return result;
}
