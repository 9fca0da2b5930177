/* Records of an audit export: their kinds, their one form, and what must hold from one to the next.
 *
 * After docs/audit-format.md, section 1, and docs/reference/audit.md. A classic script; defines
 * `parvisRecords`; needs `format.js` before it.
 */
"use strict";
globalThis.parvisRecords = (() => {
  const { UTF8, isObject, leafHash, require, same, unhex } = globalThis.parvisFormat;
  const MAX_LEAF = 8192;
  const MAX_SUSPECTS = 100_000;
  const CHAT = "target model use policy privacy http trace";
  const ACT = "target change policy http trace";
  // kind: phases, outcomes, blocks it must carry, blocks it may carry
  const KINDS = {
    "chat.started": ["intent", "", "target", "model use policy http trace"],
    "chat.finished": ["result", "success", "", CHAT],
    "chat.aborted": ["result", "aborted", "", CHAT],
    "chat.failed": ["result", "failed", "", CHAT],
    "chat.refused": ["result fact", "denied", "", CHAT],
    "chat.unknown": ["result", "unknown", "", "target"],
    "task.started": ["intent", "", "target", "model use policy http trace"],
    "task.finished": ["result", "success", "", CHAT],
    "task.failed": ["result", "failed", "", CHAT],
    "task.refused": ["result fact", "denied", "", CHAT],
    "tool.called": ["fact", "success denied failed unknown", "target", CHAT],
    "review.requested": ["fact", "success", "target", CHAT],
    "review.decided": ["fact", "success denied", "target", CHAT],
    "auth.failed": ["fact", "denied failed", "", "target http trace"],
    "request.served": ["fact", "success", "http", "target trace"],
    "request.refused": ["fact", "denied failed", "http", "target policy privacy trace"],
    "policy.published": ["fact", "success failed", "policy", ACT],
    "model.changed": ["fact", "success failed", "model", ACT],
    "key.compromised": ["fact", "unknown", "target", ACT],
    "log.opened": ["fact", "success", "", "target change"],
    "log.heads": ["fact", "success", "change", ""],
    "log.heartbeat": ["fact", "success", "", "change"],
    "clock.stepped": ["fact", "success", "change", ""],
    "admin.viewed": ["fact", "success denied", "target", "http trace"],
    "audit.read": ["fact", "success denied", "target", "http trace"],
    "audit.exported": ["fact", "success denied failed", "target", "http trace change"],
    "audit.unsealed": ["fact", "success denied", "target", "http trace change"],
    "erasure.refused": ["fact", "denied", "target", ACT],
    "reconcile.result": ["fact", "success failed", "target", "use change"],
    "incident.opened": ["fact", "success unknown", "target", ACT],
  };
  const alike = (names, ...rule) => names.split(" ").forEach((name) => (KINDS[name] = rule));
  alike("auth.login auth.logout session.ended session.expired", "fact", "success", "", "target http trace");
  alike("document.added document.removed admin.changed", "fact", "success denied failed", "target", ACT);
  alike("key.created key.rotated key.retired incident.closed erasure.requested erasure.confirmed", "fact", "success", "target", ACT);
  alike("log.created log.closed", "fact", "success", "target change", "");
  alike("log.rollback", "fact", "success", "target change", "policy");
  alike("hold.placed hold.lifted", "fact", "success denied", "target", ACT);
  alike("retention.pruned", "fact", "success failed", "target", ACT);
  alike("erasure.done retention.ran", "fact", "success failed", "target", ACT + " privacy");
  const BLOCKS = {
    emit: "node word boot hex32 worker word n count",
    actor: "type actor pid hex32 roles words assurance word client word",
    target:
      "assistant word version word channel word conversation word language word level count documents words " +
      "tenant word log hex32 session hex64 object word key word view word seq count first count end count " +
      "from time to time kinds words records count keys words days count task word",
    model: "wanted words provider word asked word answered word response word digest word",
    use:
      "messages count bytes_in count bytes_out count tokens_in count tokens_out count tokens_cached count " +
      "tokens_reasoning count estimated flag stream flag attempts count ms count first_ms count finish word " +
      "calls_logged count calls_maybe count calls_outside count calls_unlogged count counter count tools count",
    policy: "digest word decision decision rules words duties words shadow words reviewer hex32 count count",
    privacy: "action action profile word counts counts kept counts detector word",
    http: "method word route word status count code word param word request word",
    trace: "trace hex32 span word",
    change: "before word after word origin word vkey word size count root hex64 ground word cosigner hex64 " +
      "sealed_days count audit_days count",
  };
  const FIELDS = new Map(Object.entries(BLOCKS).map(([name, words]) => [name, pairs(words.split(" "))]));
  const ALWAYS_THERE = { emit: ["node", "boot", "worker", "n"], actor: ["type"] };
  const ALWAYS = ["v", "id", "log", "seq", "time", "seen", "kind", "phase", "emit", "actor"];
  const SEALED = ["user", "ip", "note", "query"];
  const SEALED_CONTENT = ["prompt", "answer", "title", "document", "address"];
  const text = (form) => (value) => typeof value === "string" && form.test(value);
  const count = (value) => Number.isSafeInteger(value) && value >= 0;
  const word = text(/^[A-Za-z0-9._:/@+=,~()#<>*-]{1,255}$/);
  const uuid = text(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const time = text(/^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z$/);
  const few = (values) => values.length > 0 && values.length <= 64;
  const TYPES = {
    word, count, time,
    words: (value) => Array.isArray(value) && few(value) && value.every(word),
    flag: (value) => typeof value === "boolean",
    hex32: text(/^[0-9a-f]{32}$/),
    hex64: text(/^[0-9a-f]{64}$/),
    counts: (value) =>
      isObject(value) && few(Object.keys(value)) && Object.values(value).every(count) &&
      Object.keys(value).every((name) => /^[A-Z][A-Z0-9_]{0,39}$/.test(name)),
    actor: text(/^(person|service|system|unknown)$/),
    decision: text(/^(allow|deny)$/),
    action: text(/^(none|masked|generalised|blocked|passed)$/),
  };
  function pairs(words) {
    return new Map(words.flatMap((name, at) => (at % 2 ? [] : [[name, words[at + 1]]])));
  }

  function canonical(value) {
    if (value === null || typeof value === "boolean") return String(value);
    if (typeof value === "number") {
      require(Number.isSafeInteger(value));
      return String(value);
    }
    if (typeof value === "string") {
      require(!/[\ud800-\udfff]/u.test(value));
      return JSON.stringify(value);
    }
    if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
    const keys = Object.keys(value).sort();
    require(keys.every((key) => /^[\x00-\x7f]*$/.test(key)));
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
  }
  function parseRecord(leaf) {
    const string = UTF8.decode(leaf);
    const record = JSON.parse(string);
    require(isObject(record) && canonical(record) === string);
    return record;
  }
  /** The field that is not as its kind demands, or null. */
  function findFault(record) {
    const kind = typeof record.kind === "string" && Object.hasOwn(KINDS, record.kind) ? KINDS[record.kind] : null;
    if (kind === null) return "kind";
    const [phases, outcomes, required, optional] = kind.map((words) => words.split(" ").filter(Boolean));
    const missing = [...ALWAYS, ...required].find((name) => !Object.hasOwn(record, name));
    if (missing) return missing;
    const has = (name) => Object.hasOwn(record, name);
    if (record.v !== 1) return "v";
    if (!phases.includes(record.phase)) return "phase";
    if (has("outcome") ? !outcomes.includes(record.outcome) : outcomes.length) return "outcome";
    if (has("re") !== (record.phase === "result") || (has("re") && !uuid(record.re))) return "re";
    if (has("reason") && !word(record.reason)) return "reason";
    if (!uuid(record.id)) return "id";
    for (const name of ["time", "seen"]) if (!time(record[name])) return name;
    const known = new Set([...ALWAYS, "outcome", "re", "reason", "seal", ...required, ...optional]);
    for (const [name, block] of Object.entries(record)) {
      if (!known.has(name)) return name;
      const fault = FIELDS.has(name) ? findBlockFault(name, block) : null;
      if (fault) return fault;
    }
    return has("seal") && !isSeal(record.kind, record.seal) ? "seal" : null;
  }
  function findBlockFault(name, block) {
    if (!isObject(block) || !Object.keys(block).length) return name;
    const missing = (ALWAYS_THERE[name] ?? []).find((field) => !Object.hasOwn(block, field));
    if (missing) return `${name}.${missing}`;
    const fields = FIELDS.get(name);
    const wrong = Object.keys(block).find((field) => !fields.has(field) || !TYPES[fields.get(field)](block[field]));
    return wrong === undefined ? null : `${name}.${wrong}`;
  }
  function isSeal(kind, seal) {
    const names = /^(chat|task|tool|document|review)\./.test(kind) ? [...SEALED, ...SEALED_CONTENT] : SEALED;
    const fits = (one) =>
      isObject(one) && Object.keys(one).sort().join() === "c,k,n" &&
      TYPES.hex64(one.c) && TYPES.hex32(one.k) && count(one.n);
    return isObject(seal) && Object.keys(seal).length > 0 &&
      Object.entries(seal).every(([name, one]) => names.includes(name) && fits(one));
  }

  /** The ids of all records, eight bytes each: enough to know which of them may occur twice. */
  class Ids {
    marks = new Float64Array(1024);
    size = 0;
    seeds = crypto.getRandomValues(new Int32Array(2)); // nobody outside can choose ids with one mark

    mark(id) {
      let [one, two] = this.seeds;
      const digits = id.replaceAll("-", "");
      for (let at = 0; at < 32; at += 8) {
        const word = parseInt(digits.slice(at, at + 8), 16) | 0;
        one = Math.imul(one ^ word, 0x85ebca6b);
        one ^= one >>> 13;
        two = Math.imul((two + word) | 0, 0xc2b2ae35);
        two ^= two >>> 16;
      }
      return (two >>> 0) * 2 ** 21 + (one >>> 11);
    }
    add(id) {
      if (this.size === this.marks.length) {
        const more = new Float64Array(this.size * 2);
        more.set(this.marks);
        this.marks = more;
      }
      this.marks[this.size++] = this.mark(id);
    }
    /** Marks that occur more than once; null when there are too many to look at. */
    findSuspects() {
      const sorted = this.marks.subarray(0, this.size).sort();
      const found = new Set();
      for (let at = 1; at < sorted.length; at++) if (sorted[at] === sorted[at - 1]) found.add(sorted[at]);
      return found.size > MAX_SUSPECTS ? null : found;
    }
  }

  /** Records in order: form, position, time, writers' counters, intents and endings. */
  class Records {
    emitters = new Map();
    open = new Map();
    ids = new Ids();
    time = "";
    begun = "";

    constructor(run, first) {
      Object.assign(this, { run, next: first, whole: first === 0, log: run.key.name.split("/").at(-1) });
    }
    /** Records before `seq` are not there: what crosses the gap cannot be followed. */
    jump(seq) {
      Object.assign(this, { next: seq, whole: false, time: "" });
      this.emitters.clear();
      this.run.course.jump();
    }
    /** Only bytes and hashes are wanted: but the birth of the log is read. */
    skim(seq, leaf) {
      if (seq !== 0) return;
      try {
        const record = parseRecord(leaf);
        if (findFault(record) === null) this.run.born = record;
      } catch {
        // then the first record is not one, and the birth is not done
      }
    }
    check(path, seq, leaf, expected) {
      const wrong = (reason, more) => this.run.find("TAMPERED", path, reason, { seq, ...more });
      if (expected && !same(leafHash(leaf), expected)) wrong("leaf");
      if (this.run.hashesOnly) return this.skim(seq, leaf);
      let record = null, fault = "JSON";
      try {
        require(leaf.length <= MAX_LEAF);
        record = parseRecord(leaf);
        fault = findFault(record);
      } catch {
        record = null;
      }
      if (fault !== null) {
        wrong("form", { detail: fault });
        return this.jump(seq + 1);
      }
      if (seq === 0) this.run.born = record;
      if (!this.run.keys.fitsKeys(seq, leaf, record)) wrong("story");
      if (record.log !== this.log || record.seq !== seq || seq !== this.next) wrong("place");
      this.next = seq + 1;
      if (record.time < this.time && record.kind !== "clock.stepped") wrong("time");
      if (this.run.outside.isLate(seq, record.time)) wrong("late");
      this.time = record.time;
      this.begun ||= record.time;
      this.run.erasures.take(seq, record, this.whole, wrong);
      this.run.course.take(seq, record);
      this.follow(record, seq, wrong);
    }
    follow(record, seq, wrong) {
      const { boot, n } = record.emit;
      const before = this.emitters.get(boot) ?? (this.whole ? 0 : null);
      if (before !== null && n !== before + 1) wrong("counter");
      this.emitters.set(boot, n);
      if (record.phase === "intent") this.open.set(record.id, { seq, time: record.time, kind: record.kind });
      else if (Object.hasOwn(record, "re") && !this.open.delete(record.re) && this.whole) wrong("intent");
      this.ids.add(record.id);
    }
    finish(span, all) {
      const { run } = this;
      Object.assign(run.facts, { records: span });
      if (all) run.done("records");
      else run.skip("bundles", "records");
      if (run.hashesOnly) return run.skip("hashesOnly", "kinds", "places", "writers", "intents");
      Object.assign(run.facts, { times: [this.begun, this.time], ...run.course.report() });
      if (all) run.done("kinds", "places");
      else run.skip("bundles", "kinds", "places");
      if (this.whole) run.done("writers", "intents");
      else run.skip("part", "writers", "intents");
      const open = [...this.open].map(([id, one]) => ({ ...one, id })).sort((a, b) => a.seq - b.seq);
      run.open = run.course.markOld(open, this.time);
      return null;
    }
  }
  const LAWS = ["erasure.requested", "erasure.confirmed", "retention.pruned"];
  /** A log that takes no more records: when it ended, and what the platform log let go since. */
  class Ended {
    sealedEnd = 0;
    pruned = { end: 0, seq: -1, time: "" };
    keys = new Set();
    requests = new Map(); // erasure -> who asked, in which month
    allowedBy = [];
    strange = false; // some of it is told by a platform log that nobody vouches for

    constructor(log, here, record) {
      const { size = 0 } = record.change ?? {};
      require(record.kind === "log.closed" && record.target.log === log, "ended");
      require(size >= here && record.log !== log, "ended");
      require(record.change.root !== undefined, "ended");
      Object.assign(this, { log, here, size, root: unhex(record.change.root), time: record.time, told: { log: record.log, seq: record.seq } });
    }
    /** The end of the log was lost, and with it records that may have allowed something. */
    get isCut() {
      return this.here < this.size;
    }
    allow({ kind, outcome, reason, target, actor, log, seq, time }) {
      require(LAWS.includes(kind) && outcome === "success" && target.log === this.log, "notLet");
      require(log !== this.told.log || seq > this.told.seq, "notLet");
      const name = target.object ?? "", who = `${actor.pid ?? ""} ${time.slice(0, 7)}`;
      if (kind === "erasure.requested") return void this.requests.set(name, who);
      if (kind === "erasure.confirmed" && reason !== "own") require((this.requests.get(name) ?? who) !== who, "unasked");
      for (const key of target.keys ?? []) this.keys.add(key);
      if (kind === "retention.pruned" && ["sealed", "records"].includes(name)) this.allowBefore(name, target.end ?? 0, seq, time);
      return void this.allowedBy.push(seq);
    }
    allowBefore(name, end, seq, time) {
      require(end <= this.size && (name === "sealed" || end % 256 === 0 || end >= this.here), "notLet");
      if (name === "sealed") this.sealedEnd = Math.max(this.sealedEnd, end);
      else if (end > this.pruned.end) this.pruned = { end, seq, time };
    }
    /** What was pruned, or the end of a log that went whole, was not 184 days old. */
    isTooNew(times) {
      const kept = this.pruned.end >= this.here ? this.time : times.get(this.pruned.end);
      if (!kept || !this.pruned.end) return false;
      return Date.parse(this.pruned.time) - Date.parse(kept) < 184 * 86_400_000;
    }
  }
  /** What is gone, sealed values and old records, and the records that allow it. */
  class Erasures {
    listed = false;
    lines = [];
    at = 0;
    claim = { end: 0, seq: null, seen: false };
    fields = 0;
    gone = 0;
    before = null; // what went by the claim
    waiting = new Map(); // key id -> {seq, count}
    keys = new Set();
    allowedBy = [];
    requests = new Map(); // erasure -> who asked, in which month
    prunes = []; // {seq, end}
    proven = null; // as in `prunes`, and its time; it may stand in no bundle of the export
    times = new Map(); // first position of a bundle -> time
    ended = null; // an Ended

    /** True when the file `sealed` has the required form. */
    open(data) {
      const [format, top, ...lines] = UTF8.decode(data).split("\n");
      const number = "(0|[1-9][0-9]{0,15})";
      const claim = new RegExp(`^retention (?:0 -|([1-9][0-9]{0,15}) ${number})$`).exec(top);
      if (format !== "parvis-audit-sealed/v1" || !claim || lines.pop() !== "") return false;
      const form = new RegExp(`^${number} ([1-9][0-9]{0,15}) (\\*|[a-z]+(?:,[a-z]+)*)$`);
      let last = 0;
      const told = [];
      for (const line of lines) {
        const found = form.exec(line);
        if (!found) return false;
        const [first, end] = [Number(found[1]), Number(found[2])];
        if (!(last <= first && first < end && end < 2 ** 53)) return false;
        told.push({ first, end, names: found[3] === "*" ? null : found[3].split(",") });
        last = end;
      }
      if (claim[1]) Object.assign(this.claim, { end: Number(claim[1]), seq: Number(claim[2]) });
      Object.assign(this, { lines: told, listed: true });
      return true;
    }
    take(seq, record, whole, wrong) {
      if (seq % 256 === 0) this.times.set(seq, record.time);
      const seal = new Map(Object.entries(record.seal ?? {}));
      this.fields += seal.size;
      while (this.at < this.lines.length && this.lines[this.at].end <= seq) this.at++;
      const line = this.lines[this.at];
      if (line && line.first <= seq) {
        const names = line.names ?? [...seal.keys()];
        if (names.some((name) => !seal.has(name))) wrong("noValue");
        this.lose(seq, names.filter((name) => seal.has(name)).map((name) => seal.get(name).k));
      }
      if (LAWS.includes(record.kind)) this.note(seq, record, whole, wrong);
    }
    lose(seq, keys) {
      this.gone += keys.length;
      if (this.ended && seq < this.ended.sealedEnd) return;
      if (!keys.length) return;
      if (seq < this.claim.end) {
        this.before ??= { seq, count: 0 };
        this.before.count += keys.length;
        return;
      }
      for (const key of keys) {
        if (!this.waiting.has(key)) this.waiting.set(key, { seq, count: 0 });
        this.waiting.get(key).count++;
      }
    }
    note(seq, { kind, log, target, actor, time, reason, outcome }, whole, wrong) {
      if ((target.log ?? log) !== log) return null; // the platform log tells what went from a log that ended
      const name = target.object ?? "", who = `${actor.pid ?? ""} ${time.slice(0, 7)}`;
      if (kind === "erasure.requested") return this.requests.set(name, who);
      if (kind === "erasure.confirmed" && reason !== "own") {
        const asked = this.requests.get(name);
        if (asked === who || (asked === undefined && whole)) return wrong("unasked");
      }
      if (outcome !== "success") return null;
      for (const key of target.keys ?? []) this.keys.add(key);
      if (target.keys || name === "sealed") this.allowedBy.push(seq);
      const { claim } = this;
      if (name === "sealed" && target.end === claim.end && seq === claim.seq && claim.end <= seq) claim.seen = true;
      if (kind === "retention.pruned" && name === "records") this.prune(seq, target.end ?? 0, time, wrong);
      return null;
    }
    prune(seq, end, time, wrong) {
      if (end <= (this.prunes.at(-1)?.end ?? 0) || end % 256 || end > seq) return wrong("minimum");
      this.prunes.push({ seq, end });
      const kept = this.times.get(end);
      if (kept && Date.parse(time) - Date.parse(kept) < 184 * 86_400_000) wrong("floor");
      return null;
    }
    /** A proven record that let the oldest records go. */
    prove({ kind, outcome, target, log, seq, time }) {
      const { object, end = 0 } = target;
      require(kind === "retention.pruned" && outcome === "success" && object === "records", "notPruned");
      require((target.log ?? log) === log && end > 0 && end % 256 === 0 && end <= seq, "notPruned");
      this.proven = { seq, end, time };
    }
    /** What a proven record let go was not 184 days old, and no record in a bundle said so. */
    isTooNew() {
      if (!this.proven || this.prunes.some(({ seq }) => seq === this.proven.seq)) return false;
      const kept = this.times.get(this.proven.end);
      return kept !== undefined && Date.parse(this.proven.time) - Date.parse(kept) < 184 * 86_400_000;
    }
    /** The record that let those before `first` go. */
    findPruned(first) {
      const own = [...this.prunes, ...(this.proven ? [this.proven] : [])].find(({ end }) => end >= first);
      if (own) return { by: own.seq };
      return this.ended && this.ended.pruned.end >= first ? { by: this.ended.pruned.seq, platform: true } : null;
    }
    /** What is gone and no record allows to go. */
    findLost() {
      const lost = this.before && !this.claim.seen ? [this.before] : [];
      const unallowed = ([key]) => !this.keys.has(key) && !this.ended?.keys.has(key);
      return [...lost, ...[...this.waiting].filter(unallowed).map(([, one]) => one)];
    }
    /** Why what nobody allowed to go may have been allowed all the same; null: it was not. */
    findDoubt(whole) {
      if (this.ended?.strange) return "strange";
      if (this.ended?.isCut) return "cutOff";
      return whole ? null : "elsewhere";
    }
  }
  /** The id of a record that is in the required form, or null. */
  function readId(leaf) {
    try {
      require(leaf.length <= MAX_LEAF);
      const record = parseRecord(leaf);
      return findFault(record) === null ? record.id : null;
    } catch {
      return null;
    }
  }
  function splitBundle(data, count) {
    const leaves = [];
    for (let at = 0; at < data.length; ) {
      require(at + 2 <= data.length && leaves.length < count);
      const end = at + 2 + data[at] * 256 + data[at + 1];
      require(end <= data.length);
      leaves.push(data.subarray(at + 2, end));
      at = end;
    }
    require(leaves.length === count);
    return leaves;
  }

  return { ALWAYS_THERE, Ended, Erasures, FIELDS, KINDS, Records, SEALED, SEALED_CONTENT, TYPES, findFault, parseRecord, readId, splitBundle };
})();
