/* Bytes, keys, notes and trees of an audit export, after docs/audit-format.md.
 *
 * Pure functions; records are in `records.js`, the folder in `verifier.js`. A classic script, because a page that is
 * opened from disk may load no modules; it defines `parvisFormat`.
 */
"use strict";
globalThis.parvisFormat = (() => {
  const NAME = "[^+\\p{White_Space}\\x1c-\\x1f]+"; // of a key: Unicode's white space, which \s is not
  const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  const IS_NAME = new RegExp(`^${NAME}$`, "u");

  /** Something that is not in the form it must have; `message` is the reason's word. */
  class Malformed extends Error {}

  function require(holds, reason = "form") {
    if (!holds) throw new Malformed(reason);
  }
  function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }

  // SHA-256 (FIPS 180-4). WebCrypto's own is asynchronous, which costs more than the hashing.
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
  const ROUND = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
  const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
  const W = new Int32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));

  function sha256(...parts) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const data = new Uint8Array(Math.ceil((length + 9) / 64) * 64);
    parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
    data[length] = 0x80;
    const view = new DataView(data.buffer);
    view.setUint32(data.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(data.length - 4, (length * 8) >>> 0);
    const state = START.slice();
    for (let at = 0; at < data.length; at += 64) mix(state, view, at);
    const out = new DataView(new ArrayBuffer(32));
    state.forEach((value, at) => out.setInt32(at * 4, value));
    return new Uint8Array(out.buffer);
  }
  function mix(state, view, at) {
    for (let i = 0; i < 16; i++) W[i] = view.getInt32(at + i * 4);
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15], y = W[i - 2];
      W[i] = (W[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + W[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + W[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] = (state[i] + value) | 0));
  }

  const bytes = (string) => new TextEncoder().encode(string);
  const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
  const base64 = (data) => btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
  const leafHash = (leaf) => sha256(Uint8Array.of(0), leaf);
  const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

  const unhex = (digits) => Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
  function unbase64(string) {
    let raw;
    try {
      raw = atob(string);
    } catch {
      throw new Malformed("form");
    }
    require(btoa(raw) === string);
    return Uint8Array.from(raw, (c) => c.charCodeAt(0));
  }
  function parseNumber(string) {
    require(/^(0|[1-9][0-9]{0,15})$/.test(string) && Number.isSafeInteger(Number(string)));
    return Number(string);
  }
  function parseKey(vkey) {
    require(typeof vkey === "string");
    const [, name, id, encoded] = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+(.+)$`, "su").exec(vkey) ?? [];
    require(name);
    const raw = unbase64(encoded);
    require(raw.length === 33 && raw[0] === 1);
    require(hex(sha256(bytes(`${name}\n`), raw).slice(0, 4)) === id);
    const fingerprint = hex(sha256(bytes(vkey))).slice(0, 32).match(/.{4}/g).join(" ");
    return { vkey, name, id, raw: raw.slice(1), fingerprint };
  }
  async function checkSignature(key, signature, message) {
    if (signature.length !== 64) return false;
    try {
      const imported = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
    } catch {
      return false;
    }
  }
  function splitNote(data) {
    const note = UTF8.decode(data);

    require(!/[\x00-\x09\x0b-\x1f]/.test(note), "note");
    const at = note.lastIndexOf("\n\n");
    require(at >= 0 && note.endsWith("\n") && at + 2 < note.length, "note");
    const [body, lines] = [note.slice(0, at + 1), note.slice(at + 2, -1).split("\n")];
    require(lines.length <= 64, "note");
    const signed = lines.map((line) => {
      const parts = line.split(" ");
      require(parts.length === 3 && parts[0] === "\u2014", "note");
      const raw = unbase64(parts[2]);
      require(IS_NAME.test(parts[1]) && raw.length > 4, "note");
      return { name: parts[1], id: hex(raw.slice(0, 4)), signature: raw.slice(4), line };
    });
    return { body, signed };
  }
  /** Whether `key` signed; a line that names the key and does not fit is a fault. */
  async function hasSigned(key, { body, signed }) {
    const mine = signed.filter((one) => names(one, key));
    for (const one of mine) require(await checkSignature(key, one.signature, bytes(body)), "signature");
    return mine.length > 0;
  }
  const names = (one, key) => one.name === key.name && one.id === key.id;
  function parseCheckpoint(body, origin) {
    const lines = body.split("\n");
    require(lines.length === 4 && lines[3] === "" && lines[0] === origin, "note");
    const root = unbase64(lines[2]);
    require(root.length === 32, "note");
    return { size: parseNumber(lines[1]), root };
  }
  async function openCheckpoint(data, key) {
    const note = splitNote(data);
    require(await hasSigned(key, note), "signature");
    return parseCheckpoint(note.body, key.name);
  }

  /** A head as it was printed: date, log, size, begin of the root, two check digits. */
  function parseHeadLine(string) {
    const words = string.trim().split(/\s+/);
    const form = /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9a-f]{32} [0-9]+ [A-Za-z0-9+/]{20}$/;
    const told = words.slice(0, 4).join(" ");
    const digits = Array.from(told).reduce((sum, sign) => (sum * 10 + sign.codePointAt(0) - 32) % 97, 0);
    require(words.length === 5 && form.test(told) && words[4] === String(digits).padStart(2, "0"), "line");
    return { log: words[1], size: parseNumber(words[2]), root: words[3] };
  }
  /** Whether `path` proves that the tree of `size` continues the one of `old` (RFC 9162, 2.1.4.2). */
  function isContinued(old, size, oldRoot, root, path) {
    if (old === 0 || old === size) return path.length === 0 && (old === 0 || same(oldRoot, root));
    let odd = old;
    while (odd % 2 === 0) odd /= 2;
    const [first, ...steps] = odd === 1 ? [oldRoot, ...path] : path;
    if (old > size || !first) return false;
    let [node, last] = [old - 1, size - 1];
    const halve = () => ([node, last] = [Math.floor(node / 2), Math.floor(last / 2)]);
    while (node % 2) halve();
    let [before, after] = [first, first];
    for (const step of steps) {
      if (last === 0) return false;
      if (node % 2 || node === last) {
        [before, after] = [nodeHash(step, before), nodeHash(step, after)];
        while (node && node % 2 === 0) halve();
      } else after = nodeHash(after, step);
      halve();
    }
    return last === 0 && same(before, oldRoot) && same(after, root);
  }
  function splitProof(string) {
    const at = string.indexOf("\n\n");
    const [format, extra, index, ...path] = string.slice(0, Math.max(at, 0)).split("\n");
    require(format === "c2sp.org/tlog-proof@v1" && extra?.startsWith("extra ") && index?.startsWith("index "));
    const steps = path.map(unbase64);
    require(steps.every((step) => step.length === 32));
    return { leaf: unbase64(extra.slice(6)), index: parseNumber(index.slice(6)), path: steps, note: bytes(string.slice(at + 2)) };
  }
  function parseState(string) {
    const found = JSON.parse(string);
    require(isObject(found));
    for (const seen of Object.values(found)) {
      require(isObject(seen) && Object.keys(seen).sort().join() === "root,size,vkey");
      require(Number.isSafeInteger(seen.size) && seen.size >= 0 && /^[0-9a-f]{64}$/.test(seen.root));
    }
    return found;
  }

  class Tree {
    size = 0;
    hashes = [];
    full = []; // [tile level, hash] of every block of 256, 65536, ... that became whole

    append(leaf) {
      this.hashes.push(leaf);
      for (let bits = this.size, height = 1; bits % 2; bits = Math.floor(bits / 2), height++) {
        const right = this.hashes.pop();
        this.hashes.push(nodeHash(this.hashes.pop(), right));
        if (height % 8 === 0) this.full.push([height / 8, this.hashes.at(-1)]);
      }
      this.size++;
    }
    root() {
      return this.hashes.length ? this.hashes.reduceRight((right, left) => nodeHash(left, right)) : sha256();
    }
  }
  function isIncluded(leaf, index, size, path, root) {
    let [first, last, found] = [index, size - 1, leaf];
    for (const step of path) {
      if (last <= 0) return false;
      if (first % 2 || first === last) {
        found = nodeHash(step, found);
        while (first && first % 2 === 0) [first, last] = [first / 2, Math.floor(last / 2)];
      } else found = nodeHash(found, step);
      [first, last] = [Math.floor(first / 2), Math.floor(last / 2)];
    }
    return index < size && last === 0 && same(found, root);
  }
  function tilePath(level, index, width) {
    const digits = String(index);
    const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g);
    const last = groups.pop();
    const path = [...groups.map((group) => `x${group}`), last].join("/");
    return `tile/${level}/${path}${width < 256 ? `.p/${width}` : ""}`;
  }

  /** How many tiles and bundles an export of a tree of this size has, with this span of records. */
  function countTiles(size, [first, end]) {
    let total = Math.ceil(end / 256) - Math.floor(first / 256);
    for (let count = size; count; count = Math.floor(count / 256)) total += Math.ceil(count / 256);
    return total;
  }

  return {
    Malformed, NAME, Tree, UTF8, base64, bytes, checkSignature, countTiles, hex, isContinued, isIncluded, isObject, leafHash,
    names, openCheckpoint, hasSigned, parseCheckpoint, parseHeadLine, parseKey, parseNumber, parseState, require, same, sha256, splitNote, splitProof,
    tilePath, unbase64, unhex,
  };
})();
