/* Checks an audit export without trusting whoever made it; written from docs/audit-format.md alone.
 *
 * Shares no code with verify.py: two programs that agree are worth more than one. No dependency, no network. The course
 * of one run; keys are in `keys.js`, the tree in `tree.js`, copies elsewhere in `copies.js`. Defines `parvisAudit`; needs
 * every other file of this folder but `proof.js`, `texts.js` and `page.js` before it, and Ed25519 in WebCrypto (Node 20,
 * browsers since 2025). Reasons are words that `texts.js` puts into sentences.
 */
"use strict";
globalThis.parvisAudit = (() => {
  const {
    Malformed, base64, checkSignature, countTiles, hex, parseNumber, require, same, splitNote, unbase64, unhex,
  } = globalThis.parvisFormat;
  const { Outside } = globalThis.parvisOutside;
  const { Course } = globalThis.parvisCourse;
  const { Erasures, TYPES } = globalThis.parvisRecords;
  const { Keys } = globalThis.parvisKeys;
  const { BUNDLE, Walk } = globalThis.parvisTree;
  const { Copies } = globalThis.parvisCopies;
  const EXIT = { INTACT: 0, INCOMPLETE: 2, TAMPERED: 3, UNVERIFIABLE: 4 };
  const MIB = 1 << 20;
  const MAX_FINDINGS = 200;
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
  // RFC 8032, 7.1, test 1: the empty message
  const PROBE = [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ].map(unhex);

  /** One run over one folder: findings, which checks were made, what was learnt. */
  class Run {
    findings = [];
    found = new Set();
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
    course = new Course();
    keys = new Keys(this);
    walk = new Walk(this);
    copies = new Copies(this);

    /** `progress(part, whole)` may throw to end the run; `keepRecord(bytes)` gets each record, before the verdict is known. */
    constructor(folder, given) {
      const { policy = null, state = null, notes = [], line = null, notOlderThan = null, hashesOnly = false } = given;
      const { progress = () => {}, keepRecord = () => {} } = given;
      const outside = new Outside(policy?.trust ?? null);
      Object.assign(this, { folder, policy, state, notes, line, notOlderThan, hashesOnly, progress, keepRecord, outside });
    }
    find(verdict, file, reason, more = {}) {
      this.found.add(verdict); // whatever is listed below
      if (this.findings.length < MAX_FINDINGS) this.findings.push({ verdict, file, reason, ...more });
    }
    done(...names) {
      for (const name of names) this.checks[name] ??= "done";
    }
    skip(why, ...names) {
      for (const name of names) this.checks[name] = why;
    }
    /** Whether the policy, if there is one, names this key of this log. */
    names({ name, vkey }) {
      return !this.policy || (this.policy.logs.get(name) ?? []).some((known) => known.vkey === vkey);
    }
    get verdict() {
      return ["TAMPERED", "INCOMPLETE", "UNVERIFIABLE"].find((word) => this.found.has(word)) ?? "INTACT";
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
        if (wanted && (wanted.size !== data.length || wanted.digest !== hex(new Uint8Array(await crypto.subtle.digest("SHA-256", data))))) {
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
      const line = await this.keys.readKeys();
      this.keys.choosePolicyKey();
      await this.readManifest();
      await this.readCheckpoint();
      await this.readNotes();
      await this.copies.readTokens();
      await this.copies.readHeads(line);
      await this.copies.readEnded(line);
      await this.copies.readBrought();
      await this.walk.readSealed();
      await this.keys.readPruned(line);
      if (this.head && this.key) {
        this.copies.checkState();
        await this.walk.checkTree();
        await this.keys.checkBirth(line);
        if (this.checks.tree === "done") this.done("notes");
        else this.skip("tiles", "notes");
        if (this.told) this.done("keys");
        else this.skip("noHistory", "keys");
      }
      this.copies.settleOutside();
      this.keys.settleCosigner();
      await this.checkRest();
      if (this.verdict === "INTACT" && NEEDED.some((name) => this.checks[name] !== "done")) {
        this.find("UNVERIFIABLE", "", "undecided");
      }
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
      require(asked.slice(1).every((one) => one === "-" || TYPES.time(one)));
      require((span[0] % 256 === 0 || span[0] === head.size) && (span[1] % 256 === 0 || span[1] === head.size));
      const listed = new Map();
      for (const line of lines.slice(8, -1)) {
        const [digest, size, path, more] = line.split(" ");
        require(more === undefined && path !== undefined && PATH.test(path) && TYPES.hex64(digest) && !listed.has(path));
        listed.set(path, { digest, size: parseNumber(size) });
      }
      require(lines[7] === `files ${listed.size}`);
      const tiles = [...listed.keys()].filter((path) => path.startsWith("tile/")).length;
      require(tiles <= countTiles(head.size, span));
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
      for (const [at, path] of paths.entries()) {
        if (at % 256 === 255) this.progress(at + 1, paths.length);
        if (!files.has(path)) path === "keys.jsonl" || this.find("INCOMPLETE", path, "missing");
        else if (!this.hashed.has(path)) await this.read(path, BUNDLE);
      }
      this.done("listed", "files");
    }
    report() {
      const { verdict, key, head, findings, open } = this;
      return {
        verdict, anchored: this.outside.anchored, exit: EXIT[verdict], policy_given: this.policy !== null,
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
