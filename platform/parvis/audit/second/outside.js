/* What is known of a log outside its operator's reach: policies, witnesses, quorums.
 *
 * After docs/audit-format.md and c2sp.org (tlog-policy). Time stamps are in `stamps.js`, cosignatures in
 * `cosigners.js`. A classic script; defines `parvisOutside`; needs them and `format.js` before it.
 */
"use strict";
globalThis.parvisOutside = (() => {
  const { hex, parseKey, parseNumber, require, splitNote, unbase64 } = globalThis.parvisFormat;
  const { Unsupported, checkToken, readCertificate } = globalThis.parvisStamps;
  const { MLDSA, parseCosigner, readTime } = globalThis.parvisCosigners;
  const NONE = "none";
  const SKEW_S = 300;
  const LAST_S = 253_402_300_799; // the end of the year 9999

  /** The witnesses, groups and quorum of a policy; every name is defined above where it is used. */
  class Trust {
    witnesses = new Map();
    groups = new Map(); // name -> {least, members}
    authorities = new Map(); // name -> certificate
    cosigners = new Map(); // origin -> ML-DSA-44 keys of that log
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
      const witness = parseCosigner(vkey);
      require([...this.witnesses.values()].every((other) => hex(other.raw) !== hex(witness.raw)));
      this.claim(name);
      this.witnesses.set(name, witness);
    }
    /** Demand of a log that its head is signed by its ML-DSA-44 key too. */
    addCosigner(vkey) {
      const cosigner = parseCosigner(vkey);
      this.cosigners.set(cosigner.name, [...(this.cosigners.get(cosigner.name) ?? []), cosigner]);
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

  const isMldsa = (vkey) => unbase64(vkey.split("+").slice(2).join("+"))[0] === MLDSA;

  function parsePolicy(string) {
    require(!/[\x00-\x08\x0b-\x1f\x7f]/.test(string));
    const logs = new Map();
    const trust = new Trust();
    for (const line of string.split("\n")) {
      const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
      const [what, ...rest] = words;
      if (what === "log" && (rest.length === 1 || rest.length === 2)) {
        if (isMldsa(rest[0])) {
          trust.addCosigner(rest[0]);
          continue;
        }
        const key = parseKey(rest[0]);
        logs.set(key.name, [...(logs.get(key.name) ?? []), key]);
      } else if (what === "witness" && (rest.length === 2 || rest.length === 3)) trust.addWitness(rest[0], rest[1]);
      else if (what === "group" && rest.length > 2) trust.addGroup(rest[0], rest[1], rest.slice(2));
      else if (what === "quorum" && rest.length === 1) trust.setQuorum(rest[0]);
      else if (what === "#!tsa" && rest.length === 2) trust.addAuthority(rest[0], rest[1]);
      else require(!what || (what.startsWith("#") && !what.startsWith("#!")));
    }
    require(trust.quorum !== null);
    require([...trust.cosigners.keys()].every((origin) => logs.has(origin)));
    require([...trust.witnesses.values()].every(({ name }) => !logs.has(name)));
    return { logs, trust };
  }

  /** Seconds since 1970 of a time (ISO, UTC) or of an age before now (36h, 7d). */
  function parseAge(string) {
    const [, count, unit] = /^([1-9][0-9]{0,4})([hd])$/.exec(string) ?? [];
    if (count) return Math.floor(Date.now() / 1000) - count * (unit === "d" ? 86_400 : 3600);
    const clock = "([01]\\d|2[0-3]):[0-5]\\d";
    require(new RegExp(`^\\d{4}-\\d\\d-\\d\\d([T ]${clock}(:[0-5]\\d(\\.\\d{3}(\\d{3})?)?)?(Z|[+-]${clock})?)?$`).test(string));
    const day = string.slice(0, 10);
    require(Number.isFinite(Date.parse(day)) && new Date(day).toISOString().startsWith(day)); // no 30 February
    const zoned = /(Z|[+-]\d\d:\d\d)$/.test(string.slice(10)) || string.length === 10;
    const when = Date.parse(`${string.replace(" ", "T")}${zoned ? "" : "Z"}`);
    require(Number.isFinite(when));
    return Math.floor(when / 1000);
  }
  /** When each witness signed the note; a line of a known witness that does not fit is a fault. */
  async function readCosignatures({ body, signed }, trust, unread = []) {
    const times = new Map();
    for (const { name, id, signature } of signed) {
      for (const [called, witness] of trust.witnesses) {
        if (witness.name !== name || witness.id !== id) continue;
        const when = await readTime(witness, signature, body);
        if (when === null) unread.push("cosigner");
        else if (when) times.set(called, Math.max(when, times.get(called) ?? 0)); // 0: it vouches for no time
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
      return Math.max(-Infinity, ...this.copies.map(({ seconds }) => seconds ?? -Infinity));
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
