// Runs in the audio thread: gathers the microphone's samples into blocks of 20 ms, mixed to one channel.

class Capture extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.size = processorOptions.size;
    this.block = new Float32Array(this.size);
    this.filled = 0;
  }

  process([channels]) {
    const length = channels[0]?.length ?? 0;
    for (let n = 0; n < length; n++) {
      let sum = 0;
      for (const channel of channels) sum += channel[n];
      this.block[this.filled++] = sum / channels.length;
      if (this.filled === this.size) this.hand();
    }
    return true;
  }

  hand() {
    const block = this.block;
    this.block = new Float32Array(this.size);
    this.filled = 0;
    // This thread is never late, as the page's own may be.
    this.port.postMessage({ block, at: Date.now() }, [block.buffer]);
  }
}

registerProcessor("capture", Capture);
