// The microphone as packets of 20 ms: Opus by WebCodecs where the browser has an encoder for it, 16-bit
// samples elsewhere. No MediaRecorder: it hands out files by the second, and words would come as late.

const BLOCK_MS = 20;
const BITRATE = 32000;
/** Time that passed while nothing was captured (a device asleep, a call on the phone) is worth a gap from here on. */
const STALL_MS = 500;
/** What libopus looks ahead, in samples at 48 kHz; an encoder that knows better says so. */
const PRE_SKIP = 312;

/**
 * Opens the microphone. `hear(packet, micros)` gets every packet, `level` every block's loudness from 0 to 1.
 * Throws what getUserMedia throws.
 */
export async function openMicrophone({ hear, level, lost }) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  const context = newContext(stream);
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
    context.close().catch(() => {});
  };
  try {
    await context.audioWorklet.addModule(new URL("./capture.js", import.meta.url));
    const size = Math.round((context.sampleRate * BLOCK_MS) / 1000);
    const node = new AudioWorkletNode(context, "capture", { processorOptions: { size } });
    const clock = stallClock(size / context.sampleRate);
    const packer = await opus(context.sampleRate, hear) ?? pcm(context.sampleRate, hear);
    node.port.onmessage = ({ data: { block, at } }) => {
      level(loudness(block));
      packer.pack(block, clock(at));
    };
    context.createMediaStreamSource(stream).connect(node);
    // Only what leads to the loudspeaker is run; nothing but silence goes there.
    node.connect(context.destination);
    stream.getAudioTracks()[0].addEventListener("ended", lost);
    await context.resume();
    const codec = await packer.codec;
    return {
      codec,
      close() {
        node.port.onmessage = null;
        packer.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** At 48 kHz, Opus' own rate; Firefox takes no microphone of another rate than its context has. */
function newContext(stream) {
  const context = new AudioContext({ sampleRate: 48000 });
  try {
    context.createMediaStreamSource(stream);
    return context;
  } catch {
    context.close().catch(() => {});
    return new AudioContext();
  }
}

/** When each block began, in microseconds: by the samples before it, and by the clock where capture stood still. */
function stallClock(seconds) {
  let blocks = 0;
  let lost = 0;
  let began;
  let lags = [];
  return (now) => {
    began ??= now;
    const at = blocks++ * seconds * 1000 + lost;
    // One block may be late, fifty in a row are not.
    lags.push(now - began - at);
    if (lags.length === 50) {
      const least = Math.min(...lags);
      if (least > STALL_MS) lost += least;
      lags = [];
    }
    return Math.round((blocks - 1) * seconds * 1e6 + lost * 1000);
  };
}

async function opus(sampleRate, hear) {
  if (!globalThis.AudioEncoder || !globalThis.AudioData) return null;
  const config = {
    codec: "opus", sampleRate, numberOfChannels: 1, bitrate: BITRATE,
    opus: { application: "voip", frameDuration: BLOCK_MS * 1000 },
  };
  const supported = await AudioEncoder.isConfigSupported(config).catch(() => null);
  if (!supported?.supported) return null;
  let known;
  let failed;
  const codec = new Promise((done, fail) => ([known, failed] = [done, fail]));
  const times = []; // the encoder counts samples; gaps are ours
  const encoder = new AudioEncoder({
    output(chunk, metadata) {
      const packet = new Uint8Array(chunk.byteLength);
      chunk.copyTo(packet);
      known({ codec: "opus", pre_skip: preSkip(metadata) });
      hear(packet, times.shift() ?? chunk.timestamp);
    },
    error: failed,
  });
  encoder.configure(config);
  return {
    codec,
    pack(data, timestamp) {
      if (encoder.state !== "configured") return;
      times.push(timestamp);
      const audio = new AudioData({
        format: "f32-planar", sampleRate, numberOfFrames: data.length, numberOfChannels: 1, timestamp, data,
      });
      encoder.encode(audio);
      audio.close();
    },
    close: () => encoder.state === "configured" && encoder.close(),
  };
}

/** From the head of RFC 7845 that an encoder may describe itself with. */
function preSkip(metadata) {
  const head = metadata?.decoderConfig?.description;
  if (!head || head.byteLength < 19) return PRE_SKIP;
  const view = ArrayBuffer.isView(head) ? new DataView(head.buffer, head.byteOffset) : new DataView(head);
  return view.getUint16(10, true);
}

function pcm(rate, hear) {
  return {
    codec: { codec: "pcm16", rate },
    pack(data, timestamp) {
      const packet = new DataView(new ArrayBuffer(data.length * 2));
      data.forEach((sample, n) => packet.setInt16(2 * n, Math.max(-32768, Math.min(32767, Math.round(sample * 32768))), true));
      hear(new Uint8Array(packet.buffer), timestamp);
    },
    close() {},
  };
}

/** Decibels below full volume on a scale from 0 (−60 dB) to 1. */
function loudness(data) {
  const mean = data.reduce((sum, sample) => sum + sample * sample, 0) / data.length;
  return Math.max(0, Math.min(1, 1 + (10 * Math.log10(mean || 1e-9)) / 60));
}
