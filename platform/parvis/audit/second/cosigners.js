/* Lines that sign a head together with a time (c2sp.org/tlog-cosignature), and the keys of one log over time.
 *
 * Those lines are of witnesses and, by ML-DSA-44, of the log itself. After docs/audit-format.md, sections 3 and 6. A
 * classic script; defines `parvisCosigners`; needs `format.js` and `stamps.js` before it.
 */
"use strict";
globalThis.parvisCosigners = (() => {
  const {
    NAME, bytes, checkSignature, hasSigned, hex, names, parseCheckpoint, parseNumber, require, sha256, splitNote, unbase64,
  } = globalThis.parvisFormat;
  const { Unsupported } = globalThis.parvisStamps;
  const MLDSA = 6;
  const LENGTHS = { 4: 32, [MLDSA]: 1312 }; // Ed25519, ML-DSA-44: bytes of the public key

  function parseCosigner(vkey) {
    require(typeof vkey === "string");
    const [, name, id, encoded] = new RegExp(`^(${NAME})\\+([^+]+)\\+(.+)$`, "su").exec(vkey) ?? [];
    require(name);
    const raw = unbase64(encoded);
    require(raw.length - 1 === LENGTHS[raw[0]] && bytes(name).length <= 255 && hex(sha256(bytes(`${name}\n`), raw).slice(0, 4)) === id);
    return { vkey, name, id, kind: raw[0], raw: raw.slice(1) };
  }
  /** How a record names a key that is longer than a word. */
  const digestKey = (vkey) => (vkey == null ? undefined : hex(sha256(bytes(vkey))));

  /** What ML-DSA-44 signs: the signer's name, the time, the origin, where the tree begins and ends, the root. */
  function cosignedMessage(name, when, body) {
    const [origin, size, root] = body.split("\n");
    const [named, logged] = [bytes(name), bytes(origin)];
    require(logged.length <= 255, "cosignature");
    const count = (value) => {
      const eight = new Uint8Array(8);
      new DataView(eight.buffer).setBigUint64(0, BigInt(value));
      return eight;
    };
    const parts = [
      bytes("subtree/v1\n\0"), [named.length], named, count(when), [logged.length], logged, count(0), count(parseNumber(size)),
      unbase64(root),
    ];
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }
  /** Whether the key signed; Unsupported where WebCrypto has no ML-DSA-44. */
  async function hasCosigned({ name, kind, raw }, signature, when, body) {
    if (kind !== MLDSA) return checkSignature({ raw }, signature, bytes(`cosignature/v1\ntime ${when}\n${body}`));
    let key;
    try {
      key = await crypto.subtle.importKey("raw-public", raw, { name: "ML-DSA-44" }, false, ["verify"]);
    } catch {
      throw new Unsupported();
    }
    return crypto.subtle.verify({ name: "ML-DSA-44" }, key, signature, cosignedMessage(name, when, body));
  }
  /** The time of a line that holds; null where it cannot be checked. */
  async function readTime(cosigner, signature, body) {
    require(signature.length >= 8, "cosignature");
    const when = Number(new DataView(signature.slice(0, 8).buffer).getBigUint64(0));
    require(Number.isSafeInteger(when), "cosignature");
    try {
      require(await hasCosigned(cosigner, signature.slice(8), when, body), "cosignature");
      return when;
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      return null;
    }
  }

  /** The keys of one log: {key, from, until} by the sizes for which each signs; `until` null for no end. */
  class KeyHistory {
    bad = new Map(); // vkey of a compromised key -> last good size
    cosigned = new Map(); // size -> vkeys of the log's own ML-DSA-44 that signed its head
    cosigners = []; // {cosigner, term}: the log's own ML-DSA-44 keys, each with the term of the key it goes with
    unread = false; // a line of ML-DSA-44 could not be checked

    constructor(...keys) {
      this.terms = keys.map((key) => ({ key, from: 0, until: null }));
    }
    get current() {
      return this.terms.at(-1).key;
    }
    find(vkey) {
      return this.terms.find(({ key }) => key.vkey === vkey);
    }
    rotate(key, size) {
      require(this.terms.every((term) => term.key.id !== key.id), "turn");
      this.terms.at(-1).until = size;
      this.terms.push({ key, from: size, until: null });
    }
    /** The ML-DSA-44 key that goes with the newest key, if it has one. */
    takeCosigner(vkey) {
      if (vkey == null) return;
      const cosigner = parseCosigner(vkey);
      require(cosigner.kind === MLDSA && cosigner.name === this.current.name, "cosigner06");
      this.cosigners.push({ cosigner, term: this.terms.at(-1) });
    }
    /** Keys of a policy, of which no times are known. */
    trustCosigners(cosigners) {
      this.cosigners = cosigners.map((cosigner) => ({ cosigner, term: this.terms[0] }));
    }
    findCosigner(term) {
      return this.cosigners.find((one) => one.term === term)?.cosigner ?? null;
    }
    static covers = ({ from, until }, size) => from <= size && (until === null || size <= until);

    /** How many keys of its time signed the note, at least one. */
    async check(note, size) {
      let good = 0;
      for (const term of this.terms) {
        if (KeyHistory.covers(term, size)) good += await hasSigned(term.key, note);
        else require(!note.signed.some((one) => names(one, term.key)), "wrongTime");
      }
      require(good > 0, "signature");
      await this.checkCosigners(note, size);
      return good;
    }
    /** Every line of the log's own ML-DSA-44 must hold and be of the key's time. */
    async checkCosigners({ body, signed }, size) {
      for (const { cosigner, term } of this.cosigners) {
        for (const line of signed.filter((one) => names(one, cosigner))) {
          require(KeyHistory.covers(term, size), "wrongTime");
          if ((await readTime(cosigner, line.signature, body)) === null) this.unread = true;
          else this.cosigned.set(size, [...(this.cosigned.get(size) ?? []), cosigner.vkey]);
        }
      }
    }
    async openCheckpoint(data) {
      const note = splitNote(data);
      const head = parseCheckpoint(note.body, this.current.name);
      const good = await this.check(note, head.size);
      if (!this.terms.slice(1).some(({ from }) => from === head.size)) return head;
      const wanted = this.cosigners.filter(({ term }) => KeyHistory.covers(term, head.size));
      const found = this.cosigned.get(head.size) ?? [];
      require(good > 1 && (this.unread || wanted.every(({ cosigner }) => found.includes(cosigner.vkey))), "oneHand");
      return head;
    }
    /** `done` when the head of this size bears a line of the log's own ML-DSA-44; else why not. */
    settleCosigner(size) {
      if (this.cosigned.has(size)) return "done";
      if (!this.cosigners.length) return "noCosigner";
      return this.unread ? "cosigner" : "noCosignedHead";
    }
  }

  return { KeyHistory, MLDSA, digestKey, parseCosigner, readTime };
})();
