/* The keys of a log as an export tells them: keys.jsonl, changes, what a policy trusts, birth and rollback.
 *
 * After docs/audit-format.md, section 3. A classic script; defines `parvisKeys`; needs `format.js`, `records.js` and
 * `cosigners.js` before it.
 */
"use strict";
globalThis.parvisKeys = (() => {
  const {
    isIncluded, leafHash, openCheckpoint, parseKey, require, same, splitProof, unhex,
  } = globalThis.parvisFormat;
  const { KeyHistory, digestKey } = globalThis.parvisCosigners;
  const { findFault, parseRecord } = globalThis.parvisRecords;
  const MAX_KEYS = 1000;
  const MAX_BYTES = 16 << 20;

  /** A record of a platform log, proven under the key beside it. */
  async function openPlatform({ vkey, proof }, otherwise = "platform") {
    const key = parseKey(vkey);
    const { leaf, index, path, note } = splitProof(proof);
    const { size, root } = await openCheckpoint(note, key);
    require(isIncluded(leafHash(leaf), index, size, path, root), otherwise);
    const record = parseRecord(leaf);
    require(findFault(record) === null, otherwise);
    require(record.log === key.name.split("/").at(-1) && record.seq === index, otherwise);
    return { key, size, record };
  }
  /** Which platform log knows the key. */
  async function checkPlatform(told, { vkey, cosigner }, kinds) {
    const { key, size, record } = await openPlatform(told);
    require(kinds.includes(record.kind) && record.change?.vkey === vkey, "platform");
    require(record.change.cosigner === digestKey(cosigner), "platform");
    const { name } = parseKey(vkey);
    const log = name.split("/").at(-1);
    // a rollback names the log that ended, and the one that begins by its origin
    const fits = record.kind === "log.rollback" ? record.change.origin === name : record.target.log === log;
    require(fits && record.log !== log, "platform");
    return { key, size };
  }

  /** The part of a run that is about keys. */
  class Keys {
    constructor(run) {
      this.run = run;
    }
    async readKeys() {
      if (!this.run.folder.files.has("keys.jsonl")) this.run.find("INCOMPLETE", "keys.jsonl", "missing");
      const data = await this.run.read("keys.jsonl", MAX_BYTES);
      return data && this.run.attempt("keys.jsonl", "keys", () => {
        return this.takeKeys(data);
      });
    }
    async takeKeys(data) {
      require(data.at(-1) === 10);
      const ends = [...data.keys()].filter((at) => data[at] === 10);
      require(ends.length <= MAX_KEYS + 1);
      const [first, ...more] = ends.map((end, at) => parseRecord(data.slice(at ? ends[at - 1] + 1 : 0, end)));
      const key = parseKey(first.vkey);
      require(key.name === first.origin && key.name.split("/").at(-1) === first.log);
      const history = new KeyHistory(key);
      history.takeCosigner(first.cosigner);
      require(more.every((line) => Object.hasOwn(line, "kind")), "turn");
      const turns = more.filter(({ kind }) => kind === "key.rotated" || kind === "key.compromised");
      for (const line of turns) if (line.kind === "key.rotated") await this.takeRotation(history, first, line);
      for (const line of turns) if (line.kind === "key.compromised") await this.takeCompromise(history, first, line);
      const places = turns.map((line) => splitProof(line.proof).index);
      require(places.every((place, at) => at === 0 || places[at - 1] < place), "turn");
      this.run.history = history;
      this.run.told = true;
      return first;
    }
    /** A record of this log from its proof, with its bytes and its head. */
    async openRecord(history, log, proof, otherwise) {
      const { leaf, index, path, note } = splitProof(proof);
      const head = await history.openCheckpoint(note);
      require(isIncluded(leafHash(leaf), index, head.size, path, head.root), otherwise);
      const record = parseRecord(leaf);
      require(findFault(record) === null && record.log === log && record.seq === index, otherwise);
      return { record, leaf, index, head };
    }
    /** The record that let the oldest records go; an export of a period may not hold it. */
    async readPruned(line) {
      if (line?.pruned == null || !this.run.key) return;
      await this.run.attempt("keys.jsonl", "notPruned", async () => {
        const { record, head } = await this.openRecord(this.run.history, line.log, line.pruned, "notPruned");
        this.run.keepHead("keys.jsonl", head);
        this.run.erasures.prove(record);
      });
    }
    /** The record of a line about a change of keys, proven in this log, with its position and head. */
    async openTurn(history, first, line) {
      const { record, leaf, index, head } = await this.openRecord(history, first.log, line.proof, "turn");
      require(record.kind === line.kind, "turn");
      require((record.target.log ?? first.log) === first.log && record.change?.vkey === line.vkey, "turn");
      this.run.turns.set(index, leaf);
      this.run.turnHeads.push(head);
      return { ...record, size: head.size };
    }
    async takeRotation(history, first, line) {
      const [before, key] = [history.current, parseKey(line.vkey)];
      const begin = splitProof(line.proof).index + 1;
      require(key.name === before.name && begin > history.terms.at(-1).from, "turn");
      history.rotate(key, begin);
      history.takeCosigner(line.cosigner);
      const { target, change, size } = await this.openTurn(history, first, line);
      require(size === begin && change.before === before.vkey && target.key === key.id, "turn");
      require(change.ground !== undefined && line.platform !== undefined, "turn");
      require(change.cosigner === digestKey(line.cosigner), "turn");
      if (line.platform !== null) await checkPlatform(line.platform, line, ["key.rotated"]);
    }
    async takeCompromise(history, first, line) {
      const { target, change, seq } = await this.openTurn(history, first, line);
      const term = history.find(line.vkey);
      require(term && term.until !== null && term.until <= seq && change.size <= term.until, "turn");
      require(target.key === term.key.id, "turn");
      if (change.root) this.run.turnHeads.push({ size: change.size, root: unhex(change.root) });
      history.bad.set(line.vkey, change.size);
    }
    /** Whether a record about keys or origins is about another log, or as the log's keys tell it. */
    fitsKeys(seq, leaf, { kind, log, target, change }) {
      if (kind === "log.rollback") return seq === 0 || change.origin !== this.run.key.name;
      if (kind !== "key.rotated" && kind !== "key.compromised") return true;
      if ((target.log ?? log) !== log || !this.run.told) return true;
      const known = this.run.turns.get(seq);
      return known !== undefined && same(known, leaf);
    }
    choosePolicyKey() {
      this.chooseTrusted();
      this.run.key = this.run.history?.current ?? null;
    }
    chooseTrusted() {
      if (!this.run.policy) return this.run.skip("noPolicy", "policy");
      const { logs } = this.run.policy;
      const only = !this.run.history && logs.size === 1 ? [...logs.values()][0] : null;
      const trusted = this.run.history ? logs.get(this.run.history.current.name) : only;
      if (!trusted) {
        this.run.skip("otherLog", "policy");
        return this.run.find("UNVERIFIABLE", "", "otherLog");
      }
      this.run.done("policy");
      this.takeTrusted(trusted);
      this.chooseCosigners(this.run.policy.trust.cosigners.get(this.run.history.current.name) ?? []);
    }
    takeTrusted(trusted) {
      const named = trusted.map(({ vkey }) => vkey).filter((vkey) => this.run.history?.find(vkey));
      if (!named.length) {
        if (this.run.history) this.run.find("TAMPERED", "keys.jsonl", "otherKey");
        this.run.history = new KeyHistory(...trusted);
        this.run.told = false;
      } else if (!named.includes(this.run.history.current.vkey)) {
        this.run.facts.renew_policy = true;
        if (named.every((vkey) => this.run.history.bad.has(vkey))) this.run.find("UNVERIFIABLE", "keys.jsonl", "badKey");
      }
    }
    /** The ML-DSA-44 keys that the policy demands must be of the log's history. */
    chooseCosigners(demanded) {
      if (!demanded.length) return;
      const { history } = this.run;
      if (!this.run.told) return history.trustCosigners(demanded);
      const wanted = demanded.map(({ vkey }) => vkey);
      const named = history.cosigners.filter(({ cosigner }) => wanted.includes(cosigner.vkey));
      if (!named.length) this.run.find("TAMPERED", "keys.jsonl", "otherCosigner");
      else if (!named.some(({ term }) => term === history.terms.at(-1))) this.run.facts.renew_policy = true;
    }
    /** Whether the log signed its head by ML-DSA-44 too, and whether it had to. */
    settleCosigner() {
      if (!this.run.head || !this.run.key) return;
      const found = this.run.history.settleCosigner(this.run.head.size);
      if (found === "done") this.run.done("mldsa");
      else this.run.skip(found, "mldsa");
      if (found !== "done" && this.run.policy?.trust.cosigners.has(this.run.key.name)) this.run.find("UNVERIFIABLE", "", "unsignedHead");
    }
    async checkBirth(line) {
      const { born } = this.run;
      const { key } = this.run.history.terms.at(this.run.told ? 0 : -1);
      if (!born) this.run.skip("first", "birth");
      else if (
        !["log.created", "log.rollback"].includes(born.kind) ||
        born.change.vkey !== key.vkey || born.change.origin !== key.name ||
        (line && born.change.cosigner !== digestKey(line.cosigner))
      ) this.run.find("TAMPERED", "", "birth", { seq: 0 });
      else if (!line || (line.birth == null && born.target.tenant !== "platform")) this.run.skip("noBirth", "birth");
      else this.run.done("birth");
      if (born?.kind === "log.rollback") this.checkRollback(born);
      if (line?.birth != null) {
        const kinds = ["log.created", "log.rollback"];
        const found = await this.run.attempt("keys.jsonl", "platform", () => checkPlatform(line.birth, { ...line, vkey: key.vkey }, kinds));
        if (!found) return;
        this.run.facts.platform = { fingerprint: found.key.fingerprint, size: found.size };
        if (!this.run.names(found.key) && this.run.checks.birth === "done") this.run.skip("headsKey", "birth");
      }
    }
    /** What a log that takes the place of another one must say, and what it may not hide. */
    checkRollback({ target, change, policy }) {
      const wrong = (reason) => this.run.find("TAMPERED", "", reason, { seq: 0 });
      const all = [change.before, change.size, change.root, change.ground, target.log, target.first, target.end, policy?.reviewer];
      if (all.includes(undefined)) return wrong("rollback");
      const { before: origin, size, root } = change;
      const lost = [target.first, target.end];
      if (origin.split("/").at(-1) !== target.log || lost[0] > lost[1] || lost[1] !== size) wrong("rollback");
      this.run.facts.continues = { origin, size, root, lost };
      const seen = this.run.state && Object.hasOwn(this.run.state, origin) ? this.run.state[origin] : null;
      if (seen && (seen.size > size || (seen.size === size && seen.root !== root))) wrong("hidden");
    }
  }

  return { Keys, openPlatform };
})();
