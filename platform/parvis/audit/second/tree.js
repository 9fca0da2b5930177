/* The tree of an export: tiles, records and what is gone, from the first leaf to the root.
 *
 * After docs/audit-format.md, sections 2 and 4. A classic script; defines `parvisTree`; needs `format.js` and
 * `records.js` before it.
 */
"use strict";
globalThis.parvisTree = (() => {
  const { Tree, base64, require, same, tilePath } = globalThis.parvisFormat;
  const { Records, readId, splitBundle } = globalThis.parvisRecords;
  const MAX_SEALED = 128 << 20;
  const BUNDLE = 256 * 8194 + 65536;

  /** The part of a run that goes along the leaves. */
  class Walk {
    constructor(run) {
      this.run = run;
    }
    async checkTree() {
      const { size, root } = this.run.head;
      const tiles = Math.ceil(size / 256);
      if (tiles > this.run.folder.files.size + (this.run.listed?.size ?? 0)) {
        return this.run.find("TAMPERED", "checkpoint", "few");
      }
      const [first, end] = this.run.span ?? [0, size];
      const records = new Records(this.run, first);
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
        this.run.progress(index + 1, tiles);
      }
      records.finish([first, end], all);
      await this.findRepeated(records.ids, first, end);
      this.finishSealed(end);
      this.finishBegin(first, end);
      this.finishEnd(first, end, records.time);
      if (!whole) return this.run.skip("tiles", "tree");
      for (const [level, { count, hashes }] of above) if (hashes.length) await this.compareTile(level, count, hashes);
      if (!same(tree.root(), root)) this.run.find("TAMPERED", "checkpoint", "root");
      this.run.done("tree");
    }
    async readTile(level, index, width) {
      const path = tilePath(level, index, width);
      const data = await this.run.read(path, 8192);
      if (!data) return this.miss(path);
      if (data.length !== width * 32) {
        this.run.find("TAMPERED", path, "tile");
        return null;
      }
      return Array.from({ length: width }, (_, at) => data.subarray(at * 32, at * 32 + 32));
    }
    miss(path) {
      if (!this.run.folder.files.has(path) && !this.run.listed?.has(path)) {
        this.run.find(this.run.listed ? "TAMPERED" : "INCOMPLETE", path, "missing");
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
        this.run.find("TAMPERED", tilePath(level, index, hashes.length), "tile");
      }
    }
    compareHead(tree) {
      const head = this.run.heads.get(tree.size);
      if (head && !same(head.root, tree.root())) this.run.find("TAMPERED", head.path, "history");
      if (tree.size !== this.run.line?.size || this.run.checks.line) return;
      if (this.run.line.log !== this.run.key.name.split("/").at(-1)) return;
      if (!base64(tree.root()).startsWith(this.run.line.root)) this.run.find("TAMPERED", "", "wrongLine");
      this.run.done("line");
    }
    async checkBundle(records, start, width, hashes) {
      const path = tilePath("entries", start / 256, width);
      const data = await this.run.read(path, BUNDLE);
      if (!data) this.miss(path);
      const leaves = data && (await this.run.attempt(path, "bundle", () => splitBundle(data, width)));
      if (!leaves) {
        records.jump(start + width);
        return false;
      }
      leaves.forEach((leaf, at) => {
        records.check(path, start + at, leaf, hashes?.[at]);
        this.run.keepRecord(leaf);
      });
      return true;
    }
    /** Ids that may occur twice are looked for in the records themselves. */
    async findRepeated(ids, first, end) {
      if (this.run.hashesOnly) return this.run.skip("hashesOnly", "ids");
      const suspects = ids.findSuspects();
      if (!suspects) return this.run.skip("many", "ids");
      const seen = new Set();
      for (let start = first; suspects.size && start < end; start += 256) {
        const width = Math.min(256, this.run.head.size - start);
        const path = tilePath("entries", start / 256, width);
        const data = await this.run.read(path, BUNDLE);
        const leaves = (data && (await this.run.attempt(path, "bundle", () => splitBundle(data, width)))) || [];
        leaves.forEach((leaf, at) => {
          const id = readId(leaf);
          if (id === null || !suspects.has(ids.mark(id))) return;
          if (seen.has(id)) this.run.find("TAMPERED", path, "twice", { seq: start + at });
          seen.add(id);
        });
      }
      this.run.done("ids");
    }
    async readSealed() {
      const data = await this.run.read("sealed", MAX_SEALED);
      if (!data) this.miss("sealed");
      else await this.run.attempt("sealed", "goneList", () => require(this.run.erasures.open(data)));
    }
    /** Every sealed value that is gone went by a record's leave. */
    finishSealed(end) {
      if (this.run.hashesOnly) return this.run.skip("hashesOnly", "sealed");
      const { erasures } = this.run;
      const doubt = erasures.findDoubt(end === this.run.head.size);
      const whole = doubt === null;
      const lost = erasures.findLost();
      if (whole) lost.forEach(({ seq }) => this.run.find("TAMPERED", "sealed", "lost", { seq }));
      const missing = whole ? lost.reduce((sum, { count }) => sum + count, 0) : 0;
      const { fields, gone, allowedBy } = erasures;
      this.run.facts.sealed = {
        fields, held: fields - gone, erased: gone - missing, missing, allowed_by: allowedBy.slice(0, 50),
      };
      if (erasures.ended) this.run.facts.sealed.platform = erasures.ended.allowedBy.slice(0, 100);
      if (!erasures.listed) this.run.skip("noSealed", "sealed");
      else if (lost.length && doubt) this.run.skip(doubt, "sealed");
      else this.run.done("sealed");
    }
    /** Records before the first were not asked for, or went by a record's leave. */
    finishBegin(first, end) {
      const { erasures, hashesOnly } = this.run;
      const told = erasures.findPruned(first);
      if (first && told) this.run.facts.pruned = { end: first, ...told };
      if (erasures.isTooNew() || erasures.ended?.isTooNew(erasures.times)) this.run.find("TAMPERED", "keys.jsonl", "floor");
      if (hashesOnly) return this.run.skip("hashesOnly", "pruned");
      const [since] = this.run.facts.asked ?? ["-"];
      const begun = erasures.times.get(first);
      if (first && first < end && begun === undefined) return this.run.skip("bundles", "pruned");
      const doubt = erasures.findDoubt(true);
      if (!first || told || (since !== "-" && begun < since)) this.run.done("pruned");
      else if (doubt) this.run.skip(doubt, "pruned");
      else {
        this.run.find("TAMPERED", "", "unallowed");
        this.run.done("pruned");
      }
      return null;
    }
    /** Records after the last were not asked for; `last` is its time, if known. */
    finishEnd(first, end, last) {
      if (end === this.run.head.size) return;
      const [, until] = this.run.facts.asked ?? ["-", "-"];
      if (until === "-") this.run.find("TAMPERED", "", "tail");
      else if (!this.run.hashesOnly && (first === end || (last && last < until))) this.run.find("TAMPERED", "", "early");
    }
  }

  return { BUNDLE, Walk };
})();
