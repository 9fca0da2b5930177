/* The report of the second verifier: an outline in one language, as text, and as a page to print.
 *
 * Sentences are in `texts.js`; the page of the browser builds its elements from the same outline. A classic script;
 * defines `parvisReport`; needs `texts.js` before it.
 */
"use strict";
globalThis.parvisReport = (() => {
  const { speak } = globalThis.parvisTexts;
  const MAX_OPEN = 200;

  /** Terms and values about the log itself. */
  function listFacts(report, { word }) {
    if (!report.log) return [];
    const { record, key, outside } = report;
    const [first, end] = report.records ?? [0, 0];
    return [
      [word("log"), report.log],
      [word("size"), String(report.size ?? "-")],
      ...(record
        ? [[word("oneRecord"), `${record.seq}, ${record.kind}, ${record.time}`]]
        : [
            [word("exported"), end > first ? `${first} – ${end - 1}` : "-"],
            ...(report.asked?.some((one) => one !== "-") ? [[word("asked"), report.asked.join(" – ")]] : []),
            [word("times"), report.times?.[0] ? report.times.join(" – ") : "-"],
            [word(report.policy_given ? "open_window" : "open_window_alone"), String(outside?.window ?? "-")],
          ]),
      [word("root"), report.root ?? "-"],
      [word("fingerprint"), `${key.fingerprint} (${word(key.confirmed ? "confirmed" : "unconfirmed")})`],
      ...listKeys(report, word), ...listOutside(report, word), ...listCourse(report, word),
    ];
  }
  function listKeys({ keys = [], renew_policy, continues, ended }, word) {
    const rows = keys.length < 2 ? [] : keys.map((one) => [`${word("fromSize")} ${one.first}`, one.fingerprint]);
    for (const { suspect_from: from, last } of keys) {
      if (from !== null && last > from) rows.push([word("suspect"), `${from} – ${last - 1}`]);
    }
    if (renew_policy) rows.push([word("policyWord"), word("renew")]);
    if (continues) {
      const [first, end] = continues.lost;
      rows.push([word("continues"), `${continues.origin}, ${word("size")}: ${continues.size}`]);
      rows.push([word("lost"), end > first ? `${first} – ${end - 1}` : "-"]);
    }
    if (ended) rows.push([word("endedAt"), `${ended.time}, ${word("size")}: ${ended.size}; ${word("platformLog")} ${ended.platform}`]);
    return rows;
  }
  function listOutside({ outside, record }, word) {
    if (record || !outside) return [];
    const shown = (seconds) => (seconds === null ? word("noTime") : new Date(seconds * 1000).toISOString().replace(".000Z", "Z"));
    const newest = new Map();
    for (const { kind, size, seconds } of outside.copies) {
      const known = newest.get(kind);
      if (!known || (seconds ?? -1) > (known.seconds ?? -1) || (seconds === known.seconds && size > known.size)) newest.set(kind, { size, seconds });
    }
    return [...newest].map(([kind, { size, seconds }]) => [word(kind), `${word("upTo").replace("{n}", size)}, ${shown(seconds)}`]);
  }
  function listCourse({ platform, sealed, pruned, writers, heartbeats, silences, reconciliations }, word) {
    const rows = platform ? [[word("knownBy"), platform.fingerprint]] : [];
    if (sealed) {
      const { fields, held, erased, missing } = sealed;
      rows.push([word("sealedValues"), `${fields}; ${word("held")}: ${held}; ${word("erased")}: ${erased}; ${word("gone")}: ${missing}`]);
    }
    if (pruned) rows.push([word("prunedBefore"), `${pruned.end} (${word(pruned.platform ? "platformRecord" : "record")} ${pruned.by})`]);
    if (writers !== undefined) rows.push([word("writing"), `${writers}; ${word("heartbeats")}: ${heartbeats}`]);
    if (silences?.count) rows.push([word("silences"), `${silences.count}; ${word("longest")}: ${Math.floor(silences.longest_s / 60)} min`]);
    if (reconciliations) {
      const { count, failed, until } = reconciliations;
      rows.push([word("compared"), `${count}; ${word("failed")}: ${failed}; ${until ?? "-"}`]);
    }
    return rows;
  }

  /** One finding as a sentence; in another language than the verdict's own with what that word means. */
  function tell(finding, { language, reason, word }) {
    const place = [finding.file, finding.seq === undefined ? "" : `${word("record")} ${finding.seq}`].filter(Boolean);
    const verdict = language === "en" ? finding.verdict : `${finding.verdict} (${word(`is${finding.verdict}`)})`;
    return `${verdict}: ${[...place, reason(finding.reason)].join(": ")}${finding.detail ? ` (${finding.detail})` : ""}`;
  }
  function tellUse(use, { word }) {
    const labelled = (name, value) => (value ? `; ${word(name)}: ${value}` : "");
    const model = [use.model, use.digest].filter(Boolean).join(" ");
    const rules = use.rules.join(", ");
    return (
      `${use.count} x ${use.kind} (${use.outcome})${labelled("who", [use.actor, ...use.roles].join(", "))}` +
      `${labelled("people", use.people)}${labelled("what", use.assistant)}${labelled("model", model)}` +
      `${labelled("rules", rules && use.decision ? `${rules} (${use.decision})` : rules)}${labelled("policyWord", use.policy)}; ${use.first} – ${use.last}`
    );
  }
  function tellGoing(one, { word }) {
    const counts = Object.entries(one.counts).map(([name, count]) => `${name} ${count}`).join(", ");
    const more = [["why", one.ground], ["object", one.object], ["keysGone", one.keys], ["before", one.end], ["complete", one.complete], ["counts", counts]];
    return `${word("record")} ${one.seq}, ${one.time}: ${one.kind} (${one.outcome}); ${word("who")}: ${one.by}` +
      more.map(([name, value]) => (value ? `; ${word(name)}: ${value}` : "")).join("");
  }
  function tellOpen(one, { word }) {
    return `${word("record")} ${one.seq}, ${one.time}, ${one.kind}${one.old ? `; ${word("old")}` : ""}`;
  }
  function tellCount(one, { word }) {
    return `${word("record")} ${one.seq}: ${one.server}, ${one.from} – ${one.to}; ${word("unlogged")}: ${one.unlogged} (${one.outside} / ${one.logged} + ${one.maybe})`;
  }
  function listSome(lines, unlisted, { word }) {
    return unlisted ? [...lines, `${word("unlisted")}: ${unlisted}`] : lines;
  }

  /** What a report says, in the order in which it is read: {title, verdict, meaning, sections}. */
  function outline(report, language) {
    const words = speak(language);
    const { word } = words;
    const sections = [];
    const add = (name, { rows = [], lines = [] }) => {
      if (rows.length || lines.length) sections.push({ name, heading: word(name), rows, lines });
    };
    add("findings", { lines: report.findings.map((finding) => tell(finding, words)) });
    add("about", { rows: listFacts(report, words) });
    if (report.verdict === "INTACT") {
      add("used", { lines: listSome((report.used ?? []).map((use) => tellUse(use, words)), report.used_unlisted, words) });
      add("going", { lines: listSome((report.going ?? []).map((one) => tellGoing(one, words)), report.going_unlisted, words) });
    }
    add("unexplained", { lines: (report.reconciliations?.listed ?? []).map((one) => tellCount(one, words)) });
    add("silent", { lines: (report.silences?.first ?? []).map((one) => `${word("record")} ${one.seq}: ${one.from} – ${one.to}`) });
    const open = report.open.slice(0, MAX_OPEN).map((one) => tellOpen(one, words));
    add("open", { lines: listSome(open, Math.max(0, report.open.length - MAX_OPEN), words) });
    if (report.verdict === "INTACT") {
      add("notProven", { lines: [...(report.record ? [] : [word(report.anchored ? "anchored" : "unanchored")]), word("window"), word("unrecorded")] });
    }
    const state = (found) => (found === "done" ? word("done") : `${word("skipped")}: ${words.skip(found)}`);
    add("checks", { rows: Object.entries(report.checks).map(([name, found]) => [words.check(name), state(found)]) });
    if (report.verifier_sha256) add("tool", { rows: [[word("digest"), report.verifier_sha256]] });
    const told = words.language === "en" ? [] : [word(`is${report.verdict}`)];
    if (report.verdict === "INTACT") told.push(word(report.anchored ? "isAnchored" : "isUnanchored"));
    const anchor = told.length ? ` (${told.join(", ")})` : "";
    return { title: word("report"), language: words.language, verdict: report.verdict, anchor, meaning: words.verdict(report.verdict), sections };
  }
  /** The report as lines of text. */
  function format(report, language) {
    const { verdict, anchor, meaning, sections } = outline(report, language);
    const lines = [verdict + anchor, meaning];
    for (const { name, heading, rows, lines: told } of sections) {
      lines.push(...rows.map(([term, value]) => `${term}: ${value}`));
      if (name === "findings") lines.push(...told.map((line) => `FINDING ${line}`));
      else if (told.length) lines.push(`${heading}:`, ...told.map((line) => `- ${line}`));
    }
    return lines.join("\n");
  }
  const escape = (string) => String(string).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const STYLE =
    "body{margin:2rem auto;max-width:50rem;padding:0 1rem;color:#1b1b1b;background:#fff;font:1rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}" +
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.5rem 0 .25rem}.verdict{font-size:1.8rem;font-weight:700;border-left:.5rem solid;padding-left:.75rem}" +
    ".INTACT{color:#0b6b2f}.TAMPERED{color:#a3130f}.INCOMPLETE,.UNVERIFIABLE{color:#7a4b00}table{border-collapse:collapse;width:100%}" +
    "th,td{border-top:1px solid #767676;padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top}th{width:45%;font-weight:600}" +
    "@media print{body{margin:0;max-width:none;font-size:10pt}tr,li{break-inside:avoid}h2{break-after:avoid}@page{margin:18mm}}";
  /** The report as one page to print and to file: nothing in it is loaded and nothing runs. */
  function formatPage(report, language) {
    const { title, language: lang, verdict, anchor, meaning, sections } = outline(report, language);
    const parts = sections.map(({ heading, rows, lines }) => {
      const table = rows.map(([term, value]) => `<tr><th scope="row">${escape(term)}</th><td>${escape(value)}</td></tr>\n`).join("");
      const list = lines.map((line) => `<li>${escape(line)}</li>\n`).join("");
      return `<h2>${escape(heading)}</h2>\n${table && `<table>\n${table}</table>\n`}${list && `<ul>\n${list}</ul>\n`}`;
    });
    return (
      `<!doctype html>\n<html lang="${lang}">\n<head>\n<meta charset="utf-8">\n` +
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">\n` +
      `<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escape(title)}</title>\n<style>${STYLE}</style>\n</head>\n` +
      `<body>\n<main>\n<h1>${escape(title)}</h1>\n<p class="verdict ${escape(verdict)}">${escape(verdict + anchor)}</p>\n<p>${escape(meaning)}</p>\n` +
      `${parts.join("")}</main>\n</body>\n</html>\n`
    );
  }
  return { format, formatPage, outline, tell };
})();
