/* Checks an audit export without trusting whoever made it; written from docs/audit-format.md alone.
 *
 * Shares no code with verify.py: two programs that agree are worth more than one. No dependency, no
 * network. Defines `parvisAudit`; needs `format.js` and `records.js` before it, and Ed25519 in WebCrypto
 * (Node 20, browsers since 2025). Reasons are words that `texts.js` puts into sentences.
 */
"use strict";
globalThis.parvisAudit = (() => {
  const {
    Malformed, Tree, base64, bytes, checkSignature, hex, isIncluded, leafHash, openCheckpoint, openNote,
    parseKey, parseNumber, require, same, sha256, tilePath, unbase64,
  } = globalThis.parvisFormat;
  const { Records, TYPES, findFault, parseRecord, splitBundle } = globalThis.parvisRecords;
  const EXIT = { INTACT: 0, INCOMPLETE: 2, TAMPERED: 3, UNVERIFIABLE: 4 };
  const MIB = 1 << 20;
  const BUNDLE = 256 * 8194 + 65536;
  const MAX_FINDINGS = 200;
  const MAX_FILES = 1_000_000;
  const PATH = new RegExp(
    "^(checkpoint|keys\\.jsonl|README|verify\\.py|notes/[0-9]{1,16}|" +
      "tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\\.p/[0-9]{1,3})?)$",
  );
  const CHECKS = [
    ..."form manifest listed files checkpoint tree records kinds places writers intents ids".split(" "),
    ..."birth notes policy state sealed anchor".split(" "),
  ];
  const NEEDED = ["manifest", "listed", "files", "checkpoint", "tree"];
  // RFC 8032, 7.1, test 1: the empty message
  const PROBE = [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ].map((digits) => Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16)));

  /** One run over one folder: findings, which checks were made, what was learnt. */
  class Run {
    findings = [];
    checks = {};
    facts = {};
    open = [];
    hashed = new Set();
    heads = new Map(); // size -> {path, root}
    listed = null; // path -> {digest, size}
    key = null;
    head = null;
    span = null;

    constructor(folder, { policy = null, state = null, progress = () => {} }) {
      Object.assign(this, { folder, policy, state, progress });
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
      if (this.head && this.key) {
        this.checkState();
        await this.checkTree();
        await this.checkBirth(line);
        if (this.checks.tree === "done") this.done("notes");
        else this.skip("tiles", "notes");
      }
      await this.checkRest();
      if (this.verdict === "INTACT" && NEEDED.some((name) => this.checks[name] !== "done")) {
        this.find("UNVERIFIABLE", "", "undecided");
      }
    }

    async readKeys() {
      if (!this.folder.files.has("keys.jsonl")) this.find("INCOMPLETE", "keys.jsonl", "missing");
      const data = await this.read("keys.jsonl");
      return data && this.attempt("keys.jsonl", "keys", () => {
        require(data.at(-1) === 10);
        const line = parseRecord(data.slice(0, -1));
        const key = parseKey(line.vkey);
        require(key.name === line.origin && key.name.split("/").at(-1) === line.log);
        this.key = key;
        return line;
      });
    }
    choosePolicyKey() {
      if (!this.policy) return this.skip("noPolicy", "policy");
      const { logs, witnesses } = this.policy;
      if (witnesses) this.find("UNVERIFIABLE", "", "witnesses");
      const only = !this.key && logs.size === 1 ? [...logs.values()][0] : null;
      const trusted = this.key ? logs.get(this.key.name) : only;
      if (!trusted) {
        this.skip("otherLog", "policy");
        return this.find("UNVERIFIABLE", "", "otherLog");
      }
      if (this.key && this.key.vkey !== trusted.vkey) this.find("TAMPERED", "keys.jsonl", "otherKey");
      this.key = trusted;
      this.done("policy");
    }
    async readManifest() {
      if (!this.folder.files.has("manifest")) {
        this.skip("missing", "manifest");
        return this.find("INCOMPLETE", "manifest", "missing");
      }
      const data = await this.read("manifest", 128 * MIB);
      if (!data || !this.key) return this.skip("noKey", "manifest");
      const found = await this.attempt("manifest", "list", async () =>
        this.parseManifest((await openNote(data, this.key)).split("\n")));
      if (!found) return;
      Object.assign(this, found);
      this.done("manifest");
    }
    parseManifest(lines) {
      require(lines[0] === "parvis-audit-export/v1" && lines[1] === this.key.name && lines.length > 8);
      const head = { size: parseNumber(lines[2]), root: unbase64(lines[3]) };
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
      const head = await this.attempt("checkpoint", "note", () => openCheckpoint(data, this.key));
      if (!head) return;
      if (this.head && (this.head.size !== head.size || !same(this.head.root, head.root))) {
        return this.find("TAMPERED", "checkpoint", "head");
      }
      this.head = head;
      this.done("checkpoint");
    }
    async readNotes() {
      for (const path of [...this.folder.files.keys()].filter((name) => name.startsWith("notes/")).sort()) {
        const data = await this.read(path);
        if (!data || !this.key) continue;
        await this.attempt(path, "note", async () => {
          const { size, root } = await openCheckpoint(data, this.key);
          require(path === `notes/${size}`, "note");
          require(!this.head || size <= this.head.size, "cut");
          this.heads.set(size, { path, root });
        });
      }
    }
    checkState() {
      if (!this.state) return this.skip("noState", "state");
      if (!Object.hasOwn(this.state, this.key.name)) return this.skip("newLog", "state");
      const seen = this.state[this.key.name];
      this.done("state");
      if (seen.vkey !== this.key.vkey) this.find("TAMPERED", "", "seenKey");
      if (seen.size > this.head.size) return this.find("TAMPERED", "", "shorter");
      const note = this.heads.get(seen.size);
      const root = Uint8Array.from(seen.root.match(/../g), (pair) => parseInt(pair, 16));
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
    async checkBirth(line) {
      const { born } = this;
      if (!born) this.skip("first", "birth");
      else if (
        born.kind !== "log.created" || born.change.vkey !== this.key.vkey || born.change.origin !== this.key.name
      ) this.find("TAMPERED", "", "birth", { seq: 0 });
      else if (!line || (line.birth == null && line.tenant !== "platform")) this.skip("noBirth", "birth");
      else this.done("birth");
      if (line?.birth != null) {
        await this.attempt("keys.jsonl", "platform", () => this.checkPlatform(line.birth));
      }
    }
    async checkPlatform({ vkey, proof }) {
      const key = parseKey(vkey);
      const at = proof.indexOf("\n\n");
      const { size, root } = await openCheckpoint(bytes(proof.slice(at + 2)), key);
      const [format, extra, index, ...path] = proof.slice(0, at).split("\n");
      require(format === "c2sp.org/tlog-proof@v1" && extra.startsWith("extra ") && index.startsWith("index "));
      const leaf = unbase64(extra.slice(6));
      require(isIncluded(leafHash(leaf), parseNumber(index.slice(6)), size, path.map(unbase64), root));
      const record = parseRecord(leaf);
      require(findFault(record) === null && record.change.vkey === this.key.vkey);
      this.facts.platform = { fingerprint: key.fingerprint, size };
    }
    async checkRest() {
      this.skip("sealed", "sealed");
      this.skip("none", "anchor");
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
        verdict, anchored: false, exit: EXIT[verdict],
        log: key?.name ?? null,
        size: head?.size ?? null,
        root: head ? base64(head.root) : null,
        key: key && { vkey: key.vkey, fingerprint: key.fingerprint, confirmed: this.checks.policy === "done" },
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
