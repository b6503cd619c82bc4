// Reads {heap, files: {path: base64}, calls: [source]} from stdin and runs the calls in order in
// one 32-bit MicroPython. Node's stack is empty between two calls: only there does it collect.
import { readFileSync, writeSync } from "node:fs";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript/micropython.mjs";

// Output comes byte by byte; one system call each would take longer than all the rest.
const pending = new Uint8Array(65536);
let filled = 0;

function flush() {
  for (let sent = 0; sent < filled; ) {
    try {
      sent += writeSync(1, pending, sent, filled - sent);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
  filled = 0;
}

function print(data) {
  for (const byte of data) {
    pending[filled++] = byte;
    if (filled === pending.length) flush();
  }
}

const job = JSON.parse(readFileSync(0, "utf8"));
const mp = await loadMicroPython({ heapsize: job.heap, linebuffer: false, stdout: print });

function makeFolders(path) {
  for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
    const folder = path.slice(0, end);
    if (!mp.FS.analyzePath(folder).exists) mp.FS.mkdir(folder);
  }
}

for (const [path, content] of Object.entries(job.files)) {
  makeFolders(path);
  mp.FS.writeFile(path, Buffer.from(content, "base64"));
}
try {
  for (const source of job.calls) {
    mp.runPython(source);
    flush();
  }
} catch (error) {
  flush();
  console.error(error.message);
  process.exitCode = 1;
}
