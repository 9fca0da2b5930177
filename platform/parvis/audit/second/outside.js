/* What is known of a log outside its operator's reach: policies, witnesses, quorums.
 *
 * After docs/audit-format.md and c2sp.org (tlog-policy, tlog-cosignature). Time stamps are in `stamps.js`. A classic
 * script; defines `parvisOutside`; needs `format.js` and `stamps.js` before it.
 */
"use strict";
globalThis.parvisOutside = (() => {
  const { bytes, checkSignature, hex, parseKey, parseNumber, require, sha256, splitNote, unbase64 } = globalThis.parvisFormat;
  const { Unsupported, checkToken, readCertificate } = globalThis.parvisStamps;
  const NONE = "none";
  const SKEW_S = 300;
  const LAST_S = 253_402_300_799; // the end of the year 9999

  const COSIGNERS = { 4: 32, 6: 1312 }; // Ed25519, ML-DSA-44: bytes of the public key

  function parseWitness(vkey) {
    const [, name, id, encoded] = /^([^+\s]+)\+([^+]+)\+(.+)$/s.exec(vkey) ?? [];
    require(name);
    const raw = unbase64(encoded);
    require(raw.length - 1 === COSIGNERS[raw[0]] && bytes(name).length <= 255 && hex(sha256(bytes(`${name}\n`), raw).slice(0, 4)) === id);
    return { name, id, kind: raw[0], raw: raw.slice(1) };
  }

  /** The witnesses, groups and quorum of a policy; every name is defined above where it is used. */
  class Trust {
    witnesses = new Map();
    groups = new Map(); // name -> {least, members}
    authorities = new Map(); // name -> certificate
    quorum = null;
    used = new Set();

    get demands() {
      return this.quorum !== NONE;
    }
    isKnown(name) {
      return this.witnesses.has(name) || this.groups.has(name);
    }
    claim(name) {
      require(name !== NONE && !this.isKnown(name));
    }
    addWitness(name, vkey) {
      const witness = parseWitness(vkey);
      require([...this.witnesses.values()].every((other) => hex(other.raw) !== hex(witness.raw)));
      this.claim(name);
      this.witnesses.set(name, witness);
    }
    addGroup(name, word, members) {
      for (const member of members) {
        require(this.isKnown(member) && !this.used.has(member));
        this.used.add(member);
      }
      const least = word === "any" ? 1 : word === "all" ? members.length : parseNumber(word);
      require(least >= 1 && least <= members.length);
      this.claim(name);
      this.groups.set(name, { least, members });
    }
    setQuorum(name) {
      require(this.quorum === null && (name === NONE || this.isKnown(name)));
      this.quorum = name;
    }
    addAuthority(name, encoded) {
      require(!this.authorities.has(name));
      this.authorities.set(name, readCertificate(unbase64(encoded)));
    }
    /** When the quorum was reached, in seconds since 1970, from the time of each witness; or null. */
    reached(times, name = this.quorum) {
      if (name === null || name === NONE) return null;
      if (this.witnesses.has(name)) return times.get(name) ?? null;
      const { least, members } = this.groups.get(name);
      const found = members.map((member) => this.reached(times, member)).filter((when) => when !== null);
      return found.sort((a, b) => a - b)[least - 1] ?? null;
    }
  }

  function parsePolicy(string) {
    require(!/[\x00-\x08\x0b-\x1f\x7f]/.test(string));
    const logs = new Map();
    const trust = new Trust();
    for (const line of string.split("\n")) {
      const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
      const [what, ...rest] = words;
      if (what === "log" && (rest.length === 1 || rest.length === 2)) {
        const key = parseKey(rest[0]);
        logs.set(key.name, [...(logs.get(key.name) ?? []), key]);
      } else if (what === "witness" && (rest.length === 2 || rest.length === 3)) trust.addWitness(rest[0], rest[1]);
      else if (what === "group" && rest.length > 2) trust.addGroup(rest[0], rest[1], rest.slice(2));
      else if (what === "quorum" && rest.length === 1) trust.setQuorum(rest[0]);
      else if (what === "#!tsa" && rest.length === 2) trust.addAuthority(rest[0], rest[1]);
      else require(!what || (what.startsWith("#") && !what.startsWith("#!")));
    }
    require(trust.quorum !== null);
    return { logs, trust };
  }

  /** Seconds since 1970 of a time (ISO, UTC) or of an age before now (36h, 7d). */
  function parseAge(string) {
    const [, count, unit] = /^([1-9][0-9]{0,4})([hd])$/.exec(string) ?? [];
    if (count) return Math.floor(Date.now() / 1000) - count * (unit === "d" ? 86_400 : 3600);
    require(/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$/.test(string));
    const zoned = /(Z|[+-]\d\d:\d\d)$/.test(string.slice(10)) || string.length === 10;
    const when = Date.parse(zoned ? string : `${string}Z`);
    require(Number.isFinite(when));
    return Math.floor(when / 1000);
  }
  /** What an ML-DSA-44 witness signs: its name, the time, the origin, where the tree begins and ends, the root. */
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
  /** Whether the witness signed; Unsupported where WebCrypto has no ML-DSA-44. */
  async function hasCosigned({ name, kind, raw }, signature, when, body) {
    if (kind === 4) return checkSignature({ raw }, signature, bytes(`cosignature/v1\ntime ${when}\n${body}`));
    let key;
    try {
      key = await crypto.subtle.importKey("raw-public", raw, { name: "ML-DSA-44" }, false, ["verify"]);
    } catch {
      throw new Unsupported();
    }
    return crypto.subtle.verify({ name: "ML-DSA-44" }, key, signature, cosignedMessage(name, when, body));
  }
  /** When each witness signed the note; a line of a known witness that does not fit is a fault. */
  async function readCosignatures({ body, signed }, trust, unread = []) {
    const times = new Map();
    for (const { name, id, signature } of signed) {
      for (const [called, witness] of trust.witnesses) {
        if (witness.name !== name || witness.id !== id) continue;
        require(signature.length >= 8, "cosignature");
        const when = Number(new DataView(signature.slice(0, 8).buffer).getBigUint64(0));
        require(Number.isSafeInteger(when), "cosignature");
        try {
          require(await hasCosigned(witness, signature.slice(8), when, body), "cosignature");
          if (when) times.set(called, Math.max(when, times.get(called) ?? 0)); // 0: it vouches for no time
        } catch (error) {
          if (!(error instanceof Unsupported)) throw error;
          unread.push("cosigner");
        }
      }
    }
    return times;
  }

  /** The copies of a log's heads that others hold, gathered during one run. */
  class Outside {
    copies = [];
    unchecked = []; // why a time stamp counts nothing
    unread = []; // why a cosignature counts nothing
    bounds = new Map(); // size -> when others saw a head of it, in seconds

    constructor(trust) {
      this.trust = trust;
    }
    get anchored() {
      return this.copies.some(({ seconds }) => seconds !== null);
    }
    async take(data, size) {
      if (!this.trust) return;
      const when = this.trust.reached(await readCosignatures(splitNote(data), this.trust, this.unread));
      if (when !== null) this.add("witnesses", size, when);
    }
    /** Count a time stamp of a head, when the policy knows whose it is. */
    async takeToken(token, message, size) {
      let found;
      try {
        found = await checkToken(token, message, this.trust?.authorities ?? new Map());
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        return this.unchecked.push("stampMethod");
      }
      if (found.name === null) this.unchecked.push("stampStranger");
      else this.add("time stamp", size, found.when);
    }
    get newest() {
      return Math.max(-1, ...this.copies.map(({ seconds }) => seconds ?? -1));
    }
    get witnessed() {
      return this.copies.some(({ kind }) => kind.includes("witnesses"));
    }
    add(kind, size, seconds) {
      this.copies.push({ kind, size, seconds });
      if (seconds !== null) this.bounds.set(size, Math.min(seconds, this.bounds.get(size) ?? seconds));
    }
    /** Whether the record at `seq` bears a later time than a head that holds it. */
    isLate(seq, time) {
      const bound = this.bounds.get(seq + 1);
      if (bound === undefined || bound > LAST_S - SKEW_S) return false;
      return time > new Date((bound + SKEW_S) * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    }
    report(size) {
      const covered = Math.max(0, ...this.copies.map((copy) => copy.size));
      return { copies: this.copies, covered, window: size === null ? null : Math.max(0, size - covered) };
    }
  }

  return { Outside, parseAge, parsePolicy, readCosignatures };
})();
