/* Checks an audit export without trusting whoever made it; written from docs/audit-format.md alone.
 *
 * Shares no code with verify.py: two programs that agree are worth more than one. No dependency, no
 * network. Defines `parvisAudit`; needs `format.js`, `records.js`, `cosigners.js` and `outside.js` before it, and Ed25519 in WebCrypto
 * (Node 20, browsers since 2025). Reasons are words that `texts.js` puts into sentences.
 */
"use strict";
globalThis.parvisAudit = (() => {
  const {
    Malformed, Tree, base64, bytes, checkSignature, hex, isIncluded, leafHash, openCheckpoint,
    parseCheckpoint, parseKey, parseNumber, require, same, sha256, splitNote, splitProof, tilePath, unbase64,
  } = globalThis.parvisFormat;
  const { KeyHistory, digestKey } = globalThis.parvisCosigners;
  const { Outside, readCosignatures } = globalThis.parvisOutside;
  const { Erasures, Records, TYPES, findFault, parseRecord, readId, splitBundle } = globalThis.parvisRecords;
  const EXIT = { INTACT: 0, INCOMPLETE: 2, TAMPERED: 3, UNVERIFIABLE: 4 };
  const MIB = 1 << 20;
  const BUNDLE = 256 * 8194 + 65536;
  const MAX_FINDINGS = 200;
  const MAX_KEYS = 1000;
  const MAX_FILES = 1_000_000;
  const PATH = new RegExp(
    "^(checkpoint|keys\\.jsonl|sealed|README|verify\\.py|notes/[0-9]{1,16}|tokens/[0-9]{1,16}\\.[0-9]{1,2}|" +
      "tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\\.p/[0-9]{1,3})?)$",
  );
  const CHECKS = [
    ..."form manifest listed files checkpoint tree records kinds places writers intents ids".split(" "),
    ..."birth notes keys mldsa policy state sealed pruned platform anchor stamps line".split(" "),
  ];
  const NEEDED = ["manifest", "listed", "files", "checkpoint", "tree"];
  const unhex = (digits) => Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
  // RFC 8032, 7.1, test 1: the empty message
  const PROBE = [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ].map(unhex);

  /** One run over one folder: findings, which checks were made, what was learnt. */
  class Run {
    findings = [];
    checks = {};
    facts = {};
    open = [];
    hashed = new Set();
    heads = new Map(); // size -> {path, root}
    own = new Map(); // size -> its note with the log's own lines only; time stamps are over this
    listed = null; // path -> {digest, size}
    history = null;
    turns = new Map(); // position -> bytes of a record about a change of keys
    turnHeads = []; // {size, root}
    key = null; // the newest
    head = null;
    span = null;
    erasures = new Erasures();

    constructor(folder, { policy = null, state = null, notes = [], line = null, notOlderThan = null, progress = () => {} }) {
      const outside = new Outside(policy?.trust ?? null);
      Object.assign(this, { folder, policy, state, notes, line, notOlderThan, progress, outside });
    }
    find(verdict, file, reason, more = {}) {
      if (this.findings.length < MAX_FINDINGS) this.findings.push({ verdict, file, reason, ...more });
    }
    done(...names) {
      for (const name of names) this.checks[name] ??= "done";
    }
    skip(why, ...names) {
      for (const name of names) this.checks[name] = why;
    }
    get verdict() {
      const found = this.findings.map((finding) => finding.verdict);
      return ["TAMPERED", "INCOMPLETE", "UNVERIFIABLE"].find((word) => found.includes(word)) ?? "INTACT";
    }
    /** What `work` gives; whatever it throws is a finding about `file`, and gives null. */
    async attempt(file, reason, work) {
      try {
        return await work();
      } catch (error) {
        this.find("TAMPERED", file, error instanceof Malformed && error.message !== "form" ? error.message : reason);
        return null;
      }
    }
    /** A file's bytes, compared with the list; null when it is missing, too large or unreadable. */
    async read(path, limit = MIB) {
      const file = this.folder.files.get(path);
      if (!file) return null;
      const data = await this.attempt(path, "unread", async () => {
        require(file.size <= limit, "large");
        const found = await file.read();
        require(found.length <= limit, "large");
        return found;
      });
      if (data && this.listed && !this.hashed.has(path)) {
        this.hashed.add(path);
        const wanted = this.listed.get(path);
        if (wanted && (wanted.size !== data.length || wanted.digest !== hex(sha256(data)))) {
          this.find("TAMPERED", path, "changed");
        }
      }
      return data;
    }

    async run() {
      const { files, odd } = this.folder;
      odd.forEach(({ path, reason }) => this.find("TAMPERED", path, reason));
      if (this.folder.seesLinks) this.done("form");
      else this.skip("browser", "form");
      if (files.size > MAX_FILES) return this.find("UNVERIFIABLE", "", "many");
      if (!["manifest", "checkpoint", "keys.jsonl"].some((path) => files.has(path))) {
        return this.find("UNVERIFIABLE", "", "stranger");
      }
      if (!(await checkSignature({ raw: PROBE[0] }, PROBE[1], new Uint8Array()))) {
        return this.find("UNVERIFIABLE", "", "crypto");
      }
      const line = await this.readKeys();
      this.choosePolicyKey();
      await this.readManifest();
      await this.readCheckpoint();
      await this.readNotes();
      await this.readTokens();
      await this.readHeads(line);
      await this.readEnded(line);
      await this.readBrought();
      await this.readSealed();
      if (this.head && this.key) {
        this.checkState();
        await this.checkTree();
        await this.checkBirth(line);
        if (this.checks.tree === "done") this.done("notes");
        else this.skip("tiles", "notes");
        if (this.told) this.done("keys");
        else this.skip("noHistory", "keys");
      }
      this.settleOutside();
      this.settleCosigner();
      await this.checkRest();
      if (this.verdict === "INTACT" && NEEDED.some((name) => this.checks[name] !== "done")) {
        this.find("UNVERIFIABLE", "", "undecided");
      }
    }

    async readKeys() {
      if (!this.folder.files.has("keys.jsonl")) this.find("INCOMPLETE", "keys.jsonl", "missing");
      const data = await this.read("keys.jsonl", 16 * MIB);
      return data && this.attempt("keys.jsonl", "keys", () => {
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
      require(more.every((line) => typeof line.kind === "string"), "turn");
      const turns = more.filter(({ kind }) => kind === "key.rotated" || kind === "key.compromised");
      for (const line of turns) if (line.kind === "key.rotated") await this.takeRotation(history, first, line);
      for (const line of turns) if (line.kind === "key.compromised") await this.takeCompromise(history, first, line);
      const places = turns.map((line) => splitProof(line.proof).index);
      require(places.every((place, at) => at === 0 || places[at - 1] < place), "turn");
      this.history = history;
      this.told = true;
      return first;
    }
    /** The record of a line about a change of keys, proven in this log, with its position and head. */
    async openTurn(history, first, line) {
      const { leaf, index, path, note } = splitProof(line.proof);
      const head = await history.openCheckpoint(note);
      require(isIncluded(leafHash(leaf), index, head.size, path, head.root), "turn");
      const record = parseRecord(leaf);
      require(findFault(record) === null, "turn");
      require(record.log === first.log && record.seq === index && record.kind === line.kind, "turn");
      require((record.target.log ?? first.log) === first.log && record.change?.vkey === line.vkey, "turn");
      this.turns.set(index, leaf);
      this.turnHeads.push(head);
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
      if (line.platform) await this.checkPlatform(line.platform, line, ["key.rotated"]);
    }
    async takeCompromise(history, first, line) {
      const { target, change, seq } = await this.openTurn(history, first, line);
      const term = history.find(line.vkey);
      require(term && term.until !== null && term.until <= seq && change.size <= term.until, "turn");
      require(target.key === term.key.id, "turn");
      if (change.root) this.turnHeads.push({ size: change.size, root: unhex(change.root) });
      history.bad.set(line.vkey, change.size);
    }
    /** Whether a record about keys or origins is about another log, or as the log's keys tell it. */
    fitsKeys(seq, leaf, { kind, log, target, change }) {
      if (kind === "log.rollback") return seq === 0 || change.origin !== this.key.name;
      if (kind !== "key.rotated" && kind !== "key.compromised") return true;
      if ((target.log ?? log) !== log || !this.told) return true;
      const known = this.turns.get(seq);
      return known !== undefined && same(known, leaf);
    }
    choosePolicyKey() {
      this.chooseTrusted();
      this.key = this.history?.current ?? null;
    }
    chooseTrusted() {
      if (!this.policy) return this.skip("noPolicy", "policy");
      const { logs } = this.policy;
      const only = !this.history && logs.size === 1 ? [...logs.values()][0] : null;
      const trusted = this.history ? logs.get(this.history.current.name) : only;
      if (!trusted) {
        this.skip("otherLog", "policy");
        return this.find("UNVERIFIABLE", "", "otherLog");
      }
      this.done("policy");
      this.takeTrusted(trusted);
      this.chooseCosigners(this.policy.trust.cosigners.get(this.history.current.name) ?? []);
    }
    takeTrusted(trusted) {
      const named = trusted.map(({ vkey }) => vkey).filter((vkey) => this.history?.find(vkey));
      if (!named.length) {
        if (this.history) this.find("TAMPERED", "keys.jsonl", "otherKey");
        this.history = new KeyHistory(...trusted);
        this.told = false;
      } else if (!named.includes(this.history.current.vkey)) {
        this.facts.renew_policy = true;
        if (named.every((vkey) => this.history.bad.has(vkey))) this.find("UNVERIFIABLE", "keys.jsonl", "badKey");
      }
    }
    /** The ML-DSA-44 keys that the policy demands must be of the log's history. */
    chooseCosigners(demanded) {
      if (!demanded.length) return;
      const { history } = this;
      if (!this.told) return history.trustCosigners(demanded);
      const wanted = demanded.map(({ vkey }) => vkey);
      const named = history.cosigners.filter(({ cosigner }) => wanted.includes(cosigner.vkey));
      if (!named.length) this.find("TAMPERED", "keys.jsonl", "otherCosigner");
      else if (!named.some(({ term }) => term === history.terms.at(-1))) this.facts.renew_policy = true;
    }
    /** Whether the log signed its head by ML-DSA-44 too, and whether it had to. */
    settleCosigner() {
      if (!this.head || !this.key) return;
      const found = this.history.settleCosigner(this.head.size);
      if (found === "done") this.done("mldsa");
      else this.skip(found, "mldsa");
      if (found !== "done" && this.policy?.trust.cosigners.has(this.key.name)) this.find("UNVERIFIABLE", "", "unsignedHead");
    }
    async readManifest() {
      if (!this.folder.files.has("manifest")) {
        this.skip("missing", "manifest");
        return this.find("INCOMPLETE", "manifest", "missing");
      }
      const data = await this.read("manifest", 128 * MIB);
      if (!data || !this.key) return this.skip("noKey", "manifest");
      const found = await this.attempt("manifest", "list", async () =>
        this.parseManifest(splitNote(data)));
      if (!found) return;
      Object.assign(this, found);
      this.done("manifest");
    }
    async parseManifest(note) {
      const lines = note.body.split("\n");
      require(lines[0] === "parvis-audit-export/v1" && lines[1] === this.key.name && lines.length > 8);
      const head = { size: parseNumber(lines[2]), root: unbase64(lines[3]) };
      await this.history.check(note, head.size);
      const [made, asked, records] = lines.slice(4, 7).map((line) => line.split(" "));
      require(made[0] === "made" && made.length === 2 && TYPES.time(made[1]));
      require(asked[0] === "asked" && asked.length === 3 && records[0] === "records" && records.length === 3);
      const span = records.slice(1).map(parseNumber);
      require(span[0] <= span[1] && span[1] <= head.size && lines.at(-1) === "");
      const listed = new Map();
      for (const line of lines.slice(8, -1)) {
        const [digest, size, path, more] = line.split(" ");
        require(more === undefined && path !== undefined && PATH.test(path) && TYPES.hex64(digest) && !listed.has(path));
        listed.set(path, { digest, size: parseNumber(size) });
      }
      require(lines[7] === `files ${listed.size}`);
      Object.assign(this.facts, { made: made[1], asked: asked.slice(1) });
      return { head, span, listed };
    }
    async readCheckpoint() {
      if (!this.folder.files.has("checkpoint")) {
        this.skip("missing", "checkpoint");
        return this.listed || this.find("INCOMPLETE", "checkpoint", "missing");
      }
      const data = await this.read("checkpoint");
      if (!data || !this.key) return this.skip("noKey", "checkpoint");
      const head = await this.attempt("checkpoint", "note", () => this.history.openCheckpoint(data));
      if (!head) return;
      if (this.head && (this.head.size !== head.size || !same(this.head.root, head.root))) {
        return this.find("TAMPERED", "checkpoint", "head");
      }
      this.head = head;
      this.done("checkpoint");
      await this.takeCosigned("checkpoint", data, head.size);
    }
    /** A head that the log signed: count who else did. */
    async takeCosigned(path, data, size) {
      await this.attempt(path, "cosignature", () => this.outside.take(data, size));
      const { body, signed } = splitNote(data);
      const lines = signed.filter(({ name, signature }) => name === this.key.name && signature.length === 64).map(({ line }) => `${line}\n`);
      const own = `${body}\n${lines.join("")}`;
      if (!this.own.has(size)) this.own.set(size, own);
      else if (this.own.get(size) !== own) this.find("TAMPERED", path, "fork");
    }
    /** A head that was published: the tree must reach it. */
    keepHead(path, { size, root }) {
      require(!this.head || size <= this.head.size, "cut");
      const known = this.heads.get(size);
      require(!known || same(known.root, root), "fork");
      this.heads.set(size, { path, root });
    }
    async readNotes() {
      for (const head of this.turnHeads) await this.attempt("keys.jsonl", "note", () => this.keepHead("keys.jsonl", head));
      for (const path of [...this.folder.files.keys()].filter((name) => name.startsWith("notes/")).sort()) {
        const data = await this.read(path);
        if (!data || !this.key) continue;
        await this.attempt(path, "note", async () => {
          const head = await this.history.openCheckpoint(data);
          require(path === `notes/${head.size}`, "note");
          this.keepHead(path, head);
          await this.takeCosigned(path, data, head.size);
        });
      }
    }
    async readTokens() {
      for (const path of [...this.folder.files.keys()].filter((name) => name.startsWith("tokens/")).sort()) {
        const data = await this.read(path);
        if (!data || !this.key) continue;
        await this.attempt(path, "stamp", async () => {
          const size = parseNumber(path.slice("tokens/".length).split(".")[0]);
          require(this.own.has(size), "stampHead");
          await this.outside.takeToken(data, bytes(this.own.get(size)), size);
        });
      }
    }
    /** Whether the platform log says that this log ended: then no record of it can allow anything more. */
    async readEnded(line) {
      if (line?.ended == null || !this.key || !this.head) return;
      await this.attempt("keys.jsonl", "ended", async () => {
        const { record } = await this.openPlatform(line.ended);
        const own = record.kind === "log.closed" && record.target.log === this.key.name.split("/").at(-1);
        require(own && (record.change.size ?? 0) >= this.head.size, "ended");
        this.facts.ended = { time: record.time, size: record.change.size };
      });
    }
    /** Heads that the auditor kept elsewhere: the log must continue each of them. */
    async readBrought() {
      for (const { place, data } of this.notes) {
        await this.attempt(place, "note", async () => {
          const { body } = splitNote(data);
          const [origin] = body.split("\n");
          parseCheckpoint(body, origin);
          if (origin !== this.key?.name) return this.find("UNVERIFIABLE", place, "otherNote");
          const head = await this.history.openCheckpoint(data);
          this.keepHead(place, head);
          this.outside.add("kept elsewhere", head.size, null);
          await this.outside.take(data, head.size);
        });
      }
      const { line } = this;
      if (!line) this.skip("noLine", "line");
      else if (this.key?.name.split("/").at(-1) !== line.log) this.find("UNVERIFIABLE", "", "otherLine");
      else if (this.head && line.size > this.head.size) this.find("TAMPERED", "", "shorterLine");
    }
    /** The platform log's promise: a head of this log, blinded, among those of all logs. */
    async readHeads(line) {
      if (line?.heads == null) return this.skip("noHeads", "platform");
      if (!this.policy) return this.skip("noPolicy", "platform");
      if (this.key) await this.attempt("keys.jsonl", "heads", () => this.takeHeads(line.heads));
    }
    async takeHeads({ vkey, proof, salt, head: text, path, index }) {
      const platform = parseKey(vkey);
      const found = splitProof(proof);
      const top = await openCheckpoint(found.note, platform);
      require(isIncluded(leafHash(found.leaf), found.index, top.size, found.path, top.root), "heads");
      const record = parseRecord(found.leaf);
      require(findFault(record) === null && record.kind === "log.heads", "heads");
      require(/^[0-9a-f]{64}$/.test(salt) && TYPES.count(index), "heads");
      const head = parseCheckpoint(text, this.key.name);
      const blinded = leafHash(new Uint8Array([...unhex(salt), ...bytes(text)]));
      const { root, size } = record.change;
      require(isIncluded(blinded, index, size, path.map(unbase64), unhex(root)), "heads");
      this.keepHead("keys.jsonl", head);
      const trusted = this.policy.logs.get(platform.name) ?? [];
      if (!trusted.some((known) => known.vkey === platform.vkey)) return this.skip("headsKey", "platform");
      const when = this.policy.trust.reached(await readCosignatures(splitNote(found.note), this.policy.trust, this.outside.unread));
      if (when !== null) this.outside.add("witnesses of the platform log", head.size, when);
      this.done("platform");
    }
    /** What the copies outside say together, and whether the policy is content with them. */
    settleOutside() {
      const { outside, state, notOlderThan } = this;
      const { trust, unchecked } = outside;
      if (this.checks.line === "done") outside.add("printed line", this.line.size, null);
      if (this.checks.state === "done") outside.add("your last visit", state[this.key.name].size, null);
      if (outside.unread.length) this.skip("cosigner", "anchor");
      else if (trust?.witnesses.size) this.done("anchor");
      else this.skip(trust ? "noWitness" : "noPolicy", "anchor");
      if (!trust || unchecked.length) this.skip(trust ? unchecked[0] : "noPolicy", "stamps");
      else if (trust.authorities.size) this.done("stamps");
      else this.skip("noAuthority", "stamps");
      if (trust?.demands && !outside.witnessed) this.find("UNVERIFIABLE", "", "cosigned");
      if (notOlderThan !== null && outside.newest < notOlderThan) this.find("UNVERIFIABLE", "", "old");
    }
    checkState() {
      if (!this.state) return this.skip("noState", "state");
      if (!Object.hasOwn(this.state, this.key.name)) return this.skip("newLog", "state");
      const seen = this.state[this.key.name];
      this.done("state");
      const term = this.history.find(seen.vkey);
      if (!term || !KeyHistory.covers(term, seen.size)) this.find("TAMPERED", "", "seenKey");
      if (seen.size > this.head.size) {
        this.skip("shorter", "state");
        return this.find("TAMPERED", "", "shorter");
      }
      const note = this.heads.get(seen.size);
      const root = unhex(seen.root);
      if (!note) this.heads.set(seen.size, { path: "", root });
      else if (!same(note.root, root)) this.find("TAMPERED", "", "history");
    }

    async checkTree() {
      const { size, root } = this.head;
      const tiles = Math.ceil(size / 256);
      if (tiles > this.folder.files.size + (this.listed?.size ?? 0)) {
        return this.find("TAMPERED", "checkpoint", "few");
      }
      const [first, end] = this.span ?? [0, size];
      const records = new Records(this, first);
      const tree = new Tree();
      const above = new Map(); // tile level -> {count, hashes}
      let [whole, all] = [true, true];
      this.compareHead(tree);
      for (let index = 0; index < tiles; index++) {
        const start = index * 256, width = Math.min(256, size - start);
        const hashes = await this.readTile(0, index, width);
        whole &&= hashes !== null;
        if (whole) await this.grow(tree, above, hashes);
        if (first <= start && start < end && !(await this.checkBundle(records, start, width, hashes))) all = false;
        this.progress(index + 1, tiles);
      }
      records.finish([first, end], all);
      await this.findRepeated(records.ids, first, end);
      this.finishSealed(end);
      this.finishPruned(first, end);
      if (!whole) return this.skip("tiles", "tree");
      for (const [level, { count, hashes }] of above) if (hashes.length) await this.compareTile(level, count, hashes);
      if (!same(tree.root(), root)) this.find("TAMPERED", "checkpoint", "root");
      this.done("tree");
    }
    async readTile(level, index, width) {
      const path = tilePath(level, index, width);
      const data = await this.read(path, 8192);
      if (!data) return this.miss(path);
      if (data.length !== width * 32) {
        this.find("TAMPERED", path, "tile");
        return null;
      }
      return Array.from({ length: width }, (_, at) => data.subarray(at * 32, at * 32 + 32));
    }
    miss(path) {
      if (!this.folder.files.has(path) && !this.listed?.has(path)) {
        this.find(this.listed ? "TAMPERED" : "INCOMPLETE", path, "missing");
      }
      return null;
    }
    async grow(tree, above, hashes) {
      for (const leaf of hashes) {
        tree.append(leaf);
        this.compareHead(tree);
      }
      for (const [level, hash] of tree.full.splice(0)) {
        const row = above.get(level) ?? { count: 0, hashes: [] };
        above.set(level, row);
        row.count++;
        row.hashes.push(hash);
        if (row.hashes.length === 256) await this.compareTile(level, row.count, row.hashes.splice(0));
      }
    }
    async compareTile(level, count, hashes) {
      const index = Math.ceil(count / 256) - 1;
      const found = await this.readTile(level, index, hashes.length);
      if (found && !found.every((hash, at) => same(hash, hashes[at]))) {
        this.find("TAMPERED", tilePath(level, index, hashes.length), "tile");
      }
    }
    compareHead(tree) {
      const head = this.heads.get(tree.size);
      if (head && !same(head.root, tree.root())) this.find("TAMPERED", head.path, "history");
      if (tree.size !== this.line?.size || this.checks.line) return;
      if (this.line.log !== this.key.name.split("/").at(-1)) return;
      if (!base64(tree.root()).startsWith(this.line.root)) this.find("TAMPERED", "", "wrongLine");
      this.done("line");
    }
    async checkBundle(records, start, width, hashes) {
      const path = tilePath("entries", start / 256, width);
      const data = await this.read(path, BUNDLE);
      if (!data) this.miss(path);
      const leaves = data && (await this.attempt(path, "bundle", () => splitBundle(data, width)));
      if (!leaves) {
        records.jump(start + width);
        return false;
      }
      leaves.forEach((leaf, at) => records.check(path, start + at, leaf, hashes?.[at]));
      return true;
    }
    /** Ids that may occur twice are looked for in the records themselves. */
    async findRepeated(ids, first, end) {
      const suspects = ids.findSuspects();
      if (!suspects) return this.skip("many", "ids");
      const seen = new Set();
      for (let start = first; suspects.size && start < end; start += 256) {
        const width = Math.min(256, this.head.size - start);
        const path = tilePath("entries", start / 256, width);
        const data = await this.read(path, BUNDLE);
        const leaves = (data && (await this.attempt(path, "bundle", () => splitBundle(data, width)))) || [];
        leaves.forEach((leaf, at) => {
          const id = readId(leaf);
          if (id === null || !suspects.has(ids.mark(id))) return;
          if (seen.has(id)) this.find("TAMPERED", path, "twice", { seq: start + at });
          seen.add(id);
        });
      }
      this.done("ids");
    }
    async readSealed() {
      const data = await this.read("sealed", 128 * MIB);
      if (!data) this.miss("sealed");
      else await this.attempt("sealed", "goneList", () => require(this.erasures.open(data)));
    }
    /** Every sealed value that is gone went by a record's leave. */
    finishSealed(end) {
      const { erasures } = this;
      const ended = this.facts.ended !== undefined;
      const whole = end === this.head.size && !ended;
      const lost = erasures.findLost();
      if (whole) lost.forEach(({ seq }) => this.find("TAMPERED", "sealed", "lost", { seq }));
      const missing = whole ? lost.reduce((sum, { count }) => sum + count, 0) : 0;
      const { fields, gone, allowedBy } = erasures;
      this.facts.sealed = {
        fields, held: fields - gone, erased: gone - missing, missing, allowed_by: allowedBy.slice(0, 50),
      };
      if (!erasures.listed) this.skip("noSealed", "sealed");
      else if (lost.length && ended) this.skip("afterEnd", "sealed");
      else if (lost.length && !whole) this.skip("elsewhere", "sealed");
      else this.done("sealed");
    }
    /** Records that are not here though nobody asked for a period went by a record's leave. */
    finishPruned(first, end) {
      const by = this.erasures.prunes.find((prune) => prune.end >= first);
      if (first === end || (this.facts.asked?.[0] ?? "-") !== "-") this.skip("elsewhere", "pruned");
      else if (first === 0 || by) this.done("pruned");
      else if (end < this.head.size) this.skip("elsewhere", "pruned");
      else {
        this.find("TAMPERED", "", "unallowed");
        this.done("pruned");
      }
      if (first && by) this.facts.pruned = { end: first, by: by.seq };
    }
    async checkBirth(line) {
      const { born } = this;
      const { key } = this.history.terms.at(this.told ? 0 : -1);
      if (!born) this.skip("first", "birth");
      else if (
        !["log.created", "log.rollback"].includes(born.kind) ||
        born.change.vkey !== key.vkey || born.change.origin !== key.name ||
        (line && born.change.cosigner !== digestKey(line.cosigner))
      ) this.find("TAMPERED", "", "birth", { seq: 0 });
      else if (!line || (line.birth == null && line.tenant !== "platform")) this.skip("noBirth", "birth");
      else this.done("birth");
      if (born?.kind === "log.rollback") this.checkRollback(born);
      if (line?.birth != null) {
        const kinds = ["log.created", "log.rollback"];
        const found = await this.attempt("keys.jsonl", "platform", () => this.checkPlatform(line.birth, { ...line, vkey: key.vkey }, kinds));
        if (found) this.facts.platform = found;
      }
    }
    /** What a log that takes the place of another one must say, and what it may not hide. */
    checkRollback({ target, change, policy }) {
      const wrong = (reason) => this.find("TAMPERED", "", reason, { seq: 0 });
      const all = [change.before, change.size, change.root, change.ground, target.log, target.first, target.end, policy?.reviewer];
      if (all.includes(undefined)) return wrong("rollback");
      const { before: origin, size, root } = change;
      const lost = [target.first, target.end];
      if (origin.split("/").at(-1) !== target.log || lost[0] > lost[1] || lost[1] !== size) wrong("rollback");
      this.facts.continues = { origin, size, root, lost };
      const seen = this.state && Object.hasOwn(this.state, origin) ? this.state[origin] : null;
      if (seen && (seen.size > size || (seen.size === size && seen.root !== root))) wrong("hidden");
    }
    /** A record of a platform log, proven under the key beside it. */
    async openPlatform({ vkey, proof }) {
      const key = parseKey(vkey);
      const { leaf, index, path, note } = splitProof(proof);
      const { size, root } = await openCheckpoint(note, key);
      require(isIncluded(leafHash(leaf), index, size, path, root), "platform");
      const record = parseRecord(leaf);
      require(findFault(record) === null, "platform");
      return { key, size, record };
    }
    /** Which platform log knows the key. */
    async checkPlatform(told, { vkey, cosigner }, kinds) {
      const { key, size, record } = await this.openPlatform(told);
      require(kinds.includes(record.kind) && record.change?.vkey === vkey, "platform");
      require(record.change.cosigner === digestKey(cosigner), "platform");
      return { fingerprint: key.fingerprint, size };
    }
    async checkRest() {
      if (!this.listed) return this.skip("noList", "listed", "files");
      const { files, empty } = this.folder;
      for (const path of [...files.keys()].sort()) {
        if (path !== "manifest" && !this.listed.has(path)) this.find("TAMPERED", path, "unlisted");
      }
      const paths = [...this.listed.keys()].sort();
      for (const path of empty) {
        if (!paths.some((listed) => listed.startsWith(path))) this.find("TAMPERED", path, "empty");
      }
      for (const path of paths) {
        if (!files.has(path)) path === "keys.jsonl" || this.find("INCOMPLETE", path, "missing");
        else if (!this.hashed.has(path)) await this.read(path, BUNDLE);
      }
      this.done("listed", "files");
    }
    report() {
      const { verdict, key, head, findings, open } = this;
      return {
        verdict, anchored: this.outside.anchored, exit: EXIT[verdict],
        outside: this.outside.report(head?.size ?? null),
        log: key?.name ?? null,
        size: head?.size ?? null,
        root: head ? base64(head.root) : null,
        key: key && { vkey: key.vkey, fingerprint: key.fingerprint, confirmed: this.checks.policy === "done" },
        keys: (this.history?.terms ?? []).map((term) => ({
          vkey: term.key.vkey, fingerprint: term.key.fingerprint, first: term.from, last: term.until,
          suspect_from: this.history.bad.get(term.key.vkey) ?? null,
          cosigner: this.history.findCosigner(term)?.vkey ?? null,
        })),
        ...this.facts,
        checks: Object.fromEntries(CHECKS.map((name) => [name, this.checks[name] ?? "unreached"])),
        findings, open,
      };
    }
  }

  /** The report on `folder`: {files: Map(path -> {size, read()}), odd, empty, seesLinks}. */
  async function verifyFolder(folder, options = {}) {
    const run = new Run(folder, options);
    await run.run();
    return run.report();
  }
  return { CHECKS, EXIT, verifyFolder };
})();
