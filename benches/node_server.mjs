// A media-stream server of the usual kind, to hold ours against: ws, JSON, base64, mu-law decoded to
// 16 bits, appended to a WAV. usage: node node_server.mjs PORT FOLDER (beside a node_modules with ws)
import fs from "node:fs";
import path from "node:path";
import { WebSocketServer } from "ws";

const [port, folder] = process.argv.slice(2);
const table = Int16Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
});

function header(bytes) {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(16000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

const server = new WebSocketServer({ port: Number(port), host: "127.0.0.1", path: "/media" });
server.on("connection", (socket) => {
  let file, name, bytes = 0;
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.event === "start") {
      name = path.join(folder, `${message.streamSid}.wav`);
      file = fs.createWriteStream(name);
      file.write(header(0));
    } else if (message.event === "media") {
      const ulaw = Buffer.from(message.media.payload, "base64");
      const pcm = new Int16Array(ulaw.length);
      for (let i = 0; i < ulaw.length; i++) pcm[i] = table[ulaw[i]];
      bytes += pcm.byteLength;
      file.write(Buffer.from(pcm.buffer));
    } else if (message.event === "stop") {
      file.end(() => {
        const opened = fs.openSync(name, "r+");
        fs.writeSync(opened, header(bytes), 0, 44, 0);
        fs.closeSync(opened);
        socket.close(1000);
      });
    }
  });
});
process.on("SIGTERM", () => process.exit(0));
