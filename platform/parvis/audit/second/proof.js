/* Checks one record and its proof (c2sp.org/tlog-proof), the receipt that named it, and evidence of two histories.
 *
 * After docs/audit-format.md, section 5. A classic script; defines `parvisProof`; needs `format.js`,
 * `records.js`, `cosigners.js` and `outside.js` before it.
 */
"use strict";
globalThis.parvisProof = (() => {
  const {
    Malformed, UTF8, base64, bytes, checkSignature, hasSigned, hex, isContinued, isIncluded, leafHash, openCheckpoint,
    parseCheckpoint, parseKey, require, same, splitNote, splitProof, unbase64,
  } = globalThis.parvisFormat;
  const { TYPES, findFault, parseRecord } = globalThis.parvisRecords;
  const { KeyHistory } = globalThis.parvisCosigners;
  const { Outside } = globalThis.parvisOutside;
  const EVIDENCE = "parvis-audit-evidence/v1";
  const EXIT = { INTACT: 0, TAMPERED: 3, UNVERIFIABLE: 4 };
  const CHECKS = ["proof", "checkpoint", "inclusion", "record", "mldsa", "policy", "receipt", "anchor"];

  function parseReceipt(string) {
    const body = string.trim();
    require(/^v1\.[A-Za-z0-9_-]{214}$/.test(body), "receipt");
    const raw = unbase64(`${body.slice(3).replace(/-/g, "+").replace(/_/g, "/")}==`);
    require(raw.length === 160, "receipt");
    const number = (at) => Number(new DataView(raw.buffer).getBigUint64(at));
    return {
      log: hex(raw.slice(0, 16)), seq: number(16), leaf: raw.slice(24, 56), size: number(56), root: raw.slice(64, 96),
      signature: raw.slice(96),
    };
  }
  const isSigned = (receipt, key) =>
    receipt.seq < receipt.size &&
    checkSignature(key, receipt.signature, bytes(`${key.name}\n${receipt.size}\n${base64(receipt.root)}\n`));

  /** One run over one proof file. */
  class Run {
    findings = [];
    checks = {};
    facts = { log: null, size: null, root: null };
    key = null;
    trusted = [];

    constructor(policy, receipt) {
      Object.assign(this, { policy, receipt, outside: new Outside(policy?.trust ?? null) });
    }
    find(verdict, reason) {
      this.findings.push({ verdict, file: "", reason });
    }
    async run(data) {
      try {
        await this.check(UTF8.decode(data));
      } catch (error) {
        this.find("TAMPERED", error instanceof Malformed && error.message !== "form" ? error.message : "proof");
      }
    }
    async check(string) {
      const { leaf, index, path, note } = splitProof(string);
      const { body, signed } = splitNote(note);
      const origin = body.split("\n")[0];
      require(origin, "note");
      const { size, root } = parseCheckpoint(body, origin);
      this.checks.proof = "done";
      Object.assign(this.facts, { log: origin, size, root: base64(root) });
      this.chooseKey(origin, signed);
      if (this.key) {
        require(await hasSigned(this.key, { body, signed }), "signature");
        this.checks.checkpoint = "done";
        await this.checkCosigner({ body, signed }, size);
        await this.countWitnesses(note, size);
      }
      require(isIncluded(leafHash(leaf), index, size, path, root), "path");
      this.checks.inclusion = "done";
      const record = parseRecord(leaf);
      require(leaf.length <= 8192 && findFault(record) === null, "form");
      require(record.log === origin.split("/").at(-1) && TYPES.count(record.seq) && record.seq === index, "place");
      this.checks.record = "done";
      this.facts.record = record;
      if (this.receipt) await this.checkReceipt(this.receipt, leaf, index, size, root);
    }
    chooseKey(origin, signed) {
      if (!this.policy) return this.find("UNVERIFIABLE", "proofKey");
      this.trusted = this.policy.logs.get(origin) ?? [];
      if (!this.trusted.length) return this.find("UNVERIFIABLE", "otherLog");
      const named = ({ name, id }) => signed.some((line) => line.name === name && line.id === id);
      this.key = this.trusted.filter(named).at(-1) ?? this.trusted.at(-1);
      this.checks.policy = "done";
    }
    async checkCosigner(note, size) {
      const demanded = this.policy.trust.cosigners.get(this.facts.log) ?? [];
      const history = new KeyHistory(this.key);
      history.trustCosigners(demanded);
      await history.checkCosigners(note, size);
      this.checks.mldsa = history.settleCosigner(size);
      if (demanded.length && this.checks.mldsa !== "done") this.find("UNVERIFIABLE", "unsignedHead");
    }
    async countWitnesses(note, size) {
      const { trust } = this.outside;
      if (!trust.witnesses.size) return;
      await this.outside.take(note, size);
      this.checks.anchor = this.outside.unread[0] ?? "done";
      if (trust.demands && !this.outside.anchored) this.find("UNVERIFIABLE", "cosigned");
    }
    async checkReceipt(receipt, leaf, index, size, root) {
      const log = this.facts.log.split("/").at(-1);
      require(receipt.log === log && receipt.seq === index && same(receipt.leaf, leafHash(leaf)), "otherRecord");
      require(receipt.size !== size || same(receipt.root, root), "twoHistories");
      if (!this.key) return;
      const signed = await Promise.all(this.trusted.map((key) => isSigned(receipt, key)));
      require(signed.includes(true), "signature");
      this.checks.receipt = "done";
    }
    report() {
      const found = this.findings.map(({ verdict }) => verdict);
      const verdict = ["TAMPERED", "UNVERIFIABLE"].find((word) => found.includes(word)) ?? "INTACT";
      const why = Object.fromEntries(CHECKS.map((name) => [name, "unreached"]));
      if (!this.receipt) why.receipt = "noReceipt";
      if (!this.policy) Object.assign(why, { policy: "noPolicy", checkpoint: "noKey", anchor: "noPolicy", mldsa: "noPolicy" });
      else if (!this.outside.trust.witnesses.size) why.anchor = "noWitness";
      const { key } = this;
      return {
        verdict, anchored: this.outside.anchored, exit: EXIT[verdict], ...this.facts,
        key: { vkey: key?.vkey ?? null, fingerprint: key?.fingerprint ?? null, confirmed: key !== null },
        checks: Object.fromEntries(CHECKS.map((name) => [name, this.checks[name] ?? why[name]])),
        findings: this.findings, open: [],
      };
    }
  }

  /** The report on the bytes of one proof file; INTACT only under a key of `policy`. */
  async function verifyProof(data, { policy = null, receipt = null } = {}) {
    const run = new Run(policy, receipt);
    await run.run(data);
    return run.report();
  }
  /** The two sizes and roots of evidence that holds; throws Malformed. */
  async function openEvidence(data) {
    const told = parseRecord(data.at(-1) === 10 ? data.slice(0, -1) : data);
    require(told.format === EVIDENCE && told.notes.length === 2, "evidence");
    const key = parseKey(told.vkey);
    const [first, second] = await Promise.all(told.notes.map((note) => openCheckpoint(bytes(note), key)));
    const [root, path] = [unbase64(told.root), told.proof.map(unbase64)];
    require(first.size <= second.size && isContinued(first.size, second.size, root, second.root, path), "evidence");
    require(!same(root, first.root), "oneHistory");
    return { key, size: first.size, roots: [first.root, root].map(base64) };
  }
  /** The report on a file of `parvis audit gossip`: TAMPERED when it proves that a log has two histories. */
  async function verifyEvidence(data) {
    let [reason, found] = ["evidence", null];
    try {
      found = await openEvidence(data);
    } catch (error) {
      if (error instanceof Malformed && error.message !== "form") reason = error.message;
    }
    const verdict = found ? "TAMPERED" : "UNVERIFIABLE";
    const { vkey, fingerprint } = found?.key ?? {};
    return {
      verdict, anchored: false, exit: EXIT[verdict], evidence: found ? "accepted" : "refused",
      log: found?.key.name ?? null, size: found?.size ?? null, root: null, roots: found?.roots ?? [],
      key: { vkey: vkey ?? null, fingerprint: fingerprint ?? null, confirmed: false },
      checks: {}, findings: [{ verdict, file: "", reason: found ? "fork" : reason }], open: [],
    };
  }
  return { CHECKS, parseReceipt, verifyEvidence, verifyProof };
})();
