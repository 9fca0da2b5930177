/* Copies of heads outside the operator's reach: time stamps, heads of all logs, what the auditor brings or kept.
 *
 * After docs/audit-format.md, section 6; whom a policy trusts is in `outside.js`. A classic script; defines
 * `parvisCopies`; needs `format.js`, `records.js`, `cosigners.js`, `outside.js` and `keys.js` before it.
 */
"use strict";
globalThis.parvisCopies = (() => {
  const {
    bytes, isIncluded, leafHash, openCheckpoint, parseCheckpoint, parseKey, parseNumber, require, same, splitNote, splitProof, unbase64, unhex,
  } = globalThis.parvisFormat;
  const { KeyHistory } = globalThis.parvisCosigners;
  const { readCosignatures } = globalThis.parvisOutside;
  const { Ended, TYPES, findFault, parseRecord } = globalThis.parvisRecords;
  const { openPlatform } = globalThis.parvisKeys;

  /** The part of a run that is about copies elsewhere. */
  class Copies {
    constructor(run) {
      this.run = run;
    }
    async readTokens() {
      for (const path of [...this.run.folder.files.keys()].filter((name) => name.startsWith("tokens/")).sort()) {
        const data = await this.run.read(path);
        if (!data || !this.run.key) continue;
        await this.run.attempt(path, "stamp", async () => {
          const size = parseNumber(path.slice("tokens/".length).split(".")[0]);
          require(this.run.own.has(size), "stampHead");
          await this.run.outside.takeToken(data, bytes(this.run.own.get(size)), size);
        });
      }
    }
    /** Whether the platform log says that this log ended: then no record of it can allow anything more. */
    async readEnded(line) {
      if (line?.ended == null || !this.run.key || !this.run.head) return;
      await this.run.attempt("keys.jsonl", "ended", async () => {
        const { record, key } = await openPlatform(line.ended);
        const ended = new Ended(this.run.key.name.split("/").at(-1), this.run.head.size, record);
        this.run.erasures.ended = ended;
        this.run.facts.ended = { time: ended.time, size: ended.size, platform: key.fingerprint };
        if (!ended.isCut) await this.run.attempt("keys.jsonl", "ended", () => this.run.keepHead("keys.jsonl", ended));
        else if (!this.vouchesFor(key, key)) this.findStrange(ended);
        await this.run.attempt("keys.jsonl", "notLet", async () => {
          const { allowed = [] } = line.ended;
          require(Array.isArray(allowed), "notLet");
          for (const told of allowed) await this.takeAllowance(ended, key, told);
        });
      });
    }
    /** With a policy a key that it names; without one the key that tells of the log's end. */
    vouchesFor(key, platform) {
      return this.run.policy ? this.run.names(key) : key.vkey === platform.vkey;
    }
    findStrange(ended) {
      if (!ended.strange) this.run.find("UNVERIFIABLE", "keys.jsonl", "strange");
      ended.strange = true;
    }
    async takeAllowance(ended, platform, told) {
      const { record, key } = await openPlatform(told, "notLet");
      if (this.vouchesFor(key, platform)) return ended.allow(record);
      return this.findStrange(ended);
    }
    /** Heads that the auditor kept elsewhere: the log must continue each of them. */
    async readBrought() {
      for (const { place, data } of this.run.notes) {
        await this.run.attempt(place, "note", async () => {
          const { body } = splitNote(data);
          const [origin] = body.split("\n");
          parseCheckpoint(body, origin);
          if (origin !== this.run.key?.name) return this.run.find("UNVERIFIABLE", place, "otherNote");
          const head = await this.run.history.openCheckpoint(data);
          this.run.keepHead(place, head);
          this.run.outside.add("kept elsewhere", head.size, null);
          await this.run.outside.take(data, head.size);
        });
      }
      const { line } = this.run;
      if (!line) this.run.skip("noLine", "line");
      else if (this.run.key?.name.split("/").at(-1) !== line.log) this.run.find("UNVERIFIABLE", "", "otherLine");
      else if (this.run.head && line.size > this.run.head.size) this.run.find("TAMPERED", "", "shorterLine");
    }
    /** The platform log's promise: a head of this log, blinded, among those of all logs. */
    async readHeads(line) {
      if (line?.heads == null) return this.run.skip("noHeads", "platform");
      if (!this.run.policy) return this.run.skip("noPolicy", "platform");
      if (this.run.key) await this.run.attempt("keys.jsonl", "heads", () => this.takeHeads(line.heads));
    }
    async takeHeads({ vkey, proof, salt, head: text, path, index }) {
      const platform = parseKey(vkey);
      const found = splitProof(proof);
      const top = await openCheckpoint(found.note, platform);
      require(isIncluded(leafHash(found.leaf), found.index, top.size, found.path, top.root), "heads");
      const record = parseRecord(found.leaf);
      require(findFault(record) === null && record.kind === "log.heads", "heads");
      require(/^[0-9a-f]{64}$/.test(salt) && TYPES.count(index), "heads");
      const head = parseCheckpoint(text, this.run.key.name);
      const blinded = leafHash(new Uint8Array([...unhex(salt), ...bytes(text)]));
      const { root, size } = record.change;
      require(isIncluded(blinded, index, size, path.map(unbase64), unhex(root)), "heads");
      this.run.keepHead("keys.jsonl", head);
      if (!this.run.names(platform)) return this.run.skip("headsKey", "platform");
      const when = this.run.policy.trust.reached(await readCosignatures(splitNote(found.note), this.run.policy.trust, this.run.outside.unread));
      if (when !== null) this.run.outside.add("witnesses of the platform log", head.size, when);
      this.run.done("platform");
    }
    /** What the copies outside say together, and whether the policy is content with them. */
    settleOutside() {
      const { outside, state, notOlderThan } = this.run;
      const { trust, unchecked } = outside;
      if (this.run.checks.line === "done") outside.add("printed line", this.run.line.size, null);
      if (this.run.checks.state === "done") outside.add("your last visit", state[this.run.key.name].size, null);
      if (outside.unread.length) this.run.skip("cosigner", "anchor");
      else if (trust?.witnesses.size) this.run.done("anchor");
      else this.run.skip(trust ? "noWitness" : "noPolicy", "anchor");
      if (!trust || unchecked.length) this.run.skip(trust ? unchecked[0] : "noPolicy", "stamps");
      else if (trust.authorities.size) this.run.done("stamps");
      else this.run.skip("noAuthority", "stamps");
      if (trust?.demands && !outside.witnessed) this.run.find("UNVERIFIABLE", "", "cosigned");
      if (notOlderThan !== null && outside.newest < notOlderThan) this.run.find("UNVERIFIABLE", "", "old");
    }
    checkState() {
      if (!this.run.state) return this.run.skip("noState", "state");
      if (!Object.hasOwn(this.run.state, this.run.key.name)) return this.run.skip("newLog", "state");
      const seen = this.run.state[this.run.key.name];
      this.run.done("state");
      const term = this.run.history.find(seen.vkey);
      if (!term || !KeyHistory.covers(term, seen.size)) this.run.find("TAMPERED", "", "seenKey");
      if (seen.size > this.run.head.size) {
        this.run.skip("shorter", "state");
        return this.run.find("TAMPERED", "", "shorter");
      }
      const note = this.run.heads.get(seen.size);
      const root = unhex(seen.root);
      if (!note) this.run.heads.set(seen.size, { path: "", root });
      else if (!same(note.root, root)) this.run.find("TAMPERED", "", "history");
    }
  }

  return { Copies };
})();
