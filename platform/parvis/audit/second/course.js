/* What happened, told from the records of an export: who used what under which rule, what was erased and why.
 *
 * Also silences, writers, questions without an ending for long, and calls counted outside that no record explains. None
 * of it changes a verdict. Fields are in docs/reference/audit.md. A classic script; defines `parvisCourse`.
 */
"use strict";
globalThis.parvisCourse = (() => {
  const MAX_USES = 100;
  const MAX_PEOPLE = 100_000;
  const MAX_LISTED = 200;
  const SILENCE_MS = 600_000;
  const OLD_MS = 900_000;
  const ENDINGS = /^(chat|task)\.(finished|aborted|failed|refused|unknown)$|^tool\.called$/;
  const GOING = /^(erasure\.(requested|refused|confirmed|done)|retention\.pruned|hold\.(placed|lifted))$/;

  /** One pass along the records, in bounded memory: lists end, counts go on. */
  class Course {
    boots = new Set();
    heartbeats = 0;
    silences = { count: 0, longest_s: 0, first: [] };
    reconciliations = { count: 0, failed: 0, until: null, listed: [] };
    used = new Map(); // what was used, as JSON -> {count, first, last, people}
    unlisted = 0; // uses beyond those that are listed
    people = 0;
    going = [];
    gone = 0;
    last = null; // the record before

    take(seq, record) {
      const { kind, time, emit } = record;
      if (this.boots.size < MAX_PEOPLE) this.boots.add(emit.boot);
      if (kind === "log.heartbeat") this.heartbeats++;
      this.takeSilence(seq, time, kind);
      this.last = { time };
      if (ENDINGS.test(kind)) this.takeUse(record);
      else if (GOING.test(kind)) this.takeGoing(seq, record);
      else if (kind === "reconcile.result") this.takeCount(seq, record);
    }
    /** Records before the next one are not there: no silence is told across the gap. */
    jump() {
      this.last = null;
    }
    takeSilence(seq, time, kind) {
      if (!this.last || kind === "clock.stepped") return;
      const ms = Date.parse(time) - Date.parse(this.last.time);
      if (!(ms > SILENCE_MS)) return;
      const { silences } = this;
      silences.count++;
      silences.longest_s = Math.max(silences.longest_s, Math.floor(ms / 1000));
      if (silences.first.length < 10) silences.first.push({ seq, from: this.last.time, to: time });
    }
    takeUse({ kind, time, outcome, actor, target = {}, model = {}, policy = {} }) {
      const what = {
        kind, outcome,
        actor: actor.type, roles: actor.roles ?? [], assistant: target.assistant ?? target.task ?? target.object ?? null,
        model: model.answered ?? model.asked ?? null, digest: model.digest ?? null,
        decision: policy.decision ?? null, rules: policy.rules ?? [], policy: policy.digest ?? null,
      };
      const name = JSON.stringify(what);
      if (!this.used.has(name) && this.used.size === MAX_USES) return this.unlisted++;
      const use = this.used.get(name) ?? { ...what, count: 0, first: time, last: time, people: new Set() };
      this.used.set(name, use);
      use.count++;
      use.last = time;
      if (actor.pid && this.people < MAX_PEOPLE && !use.people.has(actor.pid)) {
        use.people.add(actor.pid);
        this.people++;
      }
    }
    takeGoing(seq, { kind, time, actor, outcome, reason = null, target = {}, change = {}, privacy = {} }) {
      this.gone++;
      if (this.going.length === MAX_LISTED) return;
      this.going.push({
        seq, time, kind, outcome, by: actor.pid ?? actor.type, object: target.object ?? null, ground: change.ground ?? reason,
        keys: target.keys?.length ?? 0, end: target.end ?? null, complete: target.to ?? null, counts: privacy.counts ?? {},
      });
    }
    takeCount(seq, { outcome, target, use = {} }) {
      const told = this.reconciliations;
      told.count++;
      if (target.to && !(target.to < told.until)) told.until = target.to;
      if (outcome !== "failed") return;
      told.failed++;
      if (told.listed.length === MAX_LISTED) return;
      const { object: server = null, from = null, to = null, view = null, tenant = null } = target;
      const { calls_logged: logged = null, calls_maybe: maybe = null, calls_outside: outside = null, calls_unlogged: unlogged = null } = use;
      told.listed.push({ seq, server, view, tenant, from, to, logged, maybe, outside, unlogged });
    }
    /** Which intents were open for more than a quarter of an hour at the last record. */
    markOld(open, until) {
      return open.map((one) => (Date.parse(until) - Date.parse(one.time) > OLD_MS ? { ...one, old: true } : one));
    }
    report() {
      const used = [...this.used.values()].sort((a, b) => b.count - a.count);
      return {
        writers: this.boots.size, heartbeats: this.heartbeats, silences: this.silences,
        used: used.map(({ people, ...use }) => ({ ...use, people: people.size })), used_unlisted: this.unlisted,
        going: this.going, going_unlisted: this.gone - this.going.length,
        ...(this.reconciliations.count ? { reconciliations: this.reconciliations } : {}),
      };
    }
  }

  return { Course };
})();
