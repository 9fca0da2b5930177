#!/usr/bin/env node
/* Check an audit export or one record's proof, without a network:
 *
 *   node verify.mjs DIR [--policy FILE] [--state FILE] [--note FILE]... [--head-line TEXT]
 *                       [--not-older-than TIME] [--hashes-only] [--records FILE]
 *                       [--language en|fr|de|lb] [--page FILE] [--json]
 *   node verify.mjs NAME.tlog-proof --policy FILE [--receipt TEXT] [--language ...] [--page FILE] [--json]
 *   node verify.mjs --evidence FILE [--language ...] [--page FILE] [--json]
 *
 * Exit codes: 0 INTACT, 2 INCOMPLETE, 3 TAMPERED, 4 UNVERIFIABLE, 5 wrong usage. No network, no
 * package; writes nothing but FILE of --state, --records and --page. The checking is in the other
 * files of this folder.
 */
import { createHash } from "node:crypto";
import {
  closeSync, existsSync, lstatSync, openSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync, writeSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import "./format.js";
import "./course.js";
import "./records.js";
import "./stamps.js";
import "./cosigners.js";
import "./outside.js";
import "./keys.js";
import "./tree.js";
import "./copies.js";
import "./verifier.js";
import "./proof.js";
import "./texts.js";
import "./report.js";

const { emitWarning } = process;
// Node calls ML-DSA-44 an experiment; what was not checked by it is told in the report
process.emitWarning = (what, ...more) => String(what).includes("ML-DSA-44") || emitWarning.call(process, what, ...more);

const USAGE = 5;
const MAX_DEPTH = 8;
const HELP =
  "node verify.mjs DIR [--policy FILE] [--state FILE] [--note FILE] [--head-line TEXT] [--not-older-than TIME] [--hashes-only] " +
  "[--records FILE] [--page FILE] [--language en|fr|de|lb] [--json]";
const FOLDER_ONLY = ["state", "note", "head-line", "not-older-than", "hashes-only", "records"];
const LINE_FEED = Buffer.from("\n");
const CHUNK = 1 << 20;
const PROOF = "c2sp.org/tlog-proof@v1";
const { parvisFormat: format, parvisAudit: audit, parvisTexts: texts, parvisReport: told } = globalThis;
const { parvisOutside: outside, parvisProof: proofs } = globalThis;

function walk(top) {
  const folder = { files: new Map(), odd: [], empty: [], seesLinks: true };
  const enter = (prefix, depth) => {
    if (depth > MAX_DEPTH) return folder.odd.push({ path: prefix, reason: "deep" });
    const entries = readdirSync(join(top, prefix), { withFileTypes: true });
    if (!entries.length && prefix) folder.empty.push(prefix);
    for (const entry of entries) {
      const path = prefix + entry.name;
      const place = join(top, path);
      if (entry.isDirectory()) enter(`${path}/`, depth + 1);
      else if (!entry.isFile()) folder.odd.push({ path, reason: "link" });
      else folder.files.set(path, { size: lstatSync(place, { throwIfNoEntry: false })?.size ?? 0, read: () => readFile(place) });
    }
  };
  enter("", 0);
  return folder;
}

/** The report on the folder `top`; `policy`, `state`, `line` as the parsers of the other files give them. */
export function verifyDirectory(top, options = {}) {
  return audit.verifyFolder(walk(top), options);
}

/** What is kept or written must not be part of what is checked. */
function checkPlaces(top, values) {
  const inside = realpathSync(top) + sep;
  for (const name of ["state", "page", "records"]) {
    const path = values[name];
    if (path === undefined || !existsSync(dirname(path))) continue;
    const place = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
    if (place.startsWith(inside)) throw new Error(`--${name}: the file would lie in the folder that is checked`);
  }
}

function readOptions() {
  const text = { type: "string" };
  const options = {
    policy: text, state: text, receipt: text, evidence: text, note: { ...text, multiple: true, default: [] },
    "head-line": text, "not-older-than": text, "hashes-only": { type: "boolean" }, records: text,
    page: text, language: { ...text, default: "en" }, json: { type: "boolean" },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { evidence, json, language, page, records } = values;
  if (!texts.LANGUAGES.includes(language)) throw new Error("--language is en, fr, de or lb");
  if (positionals.length !== (evidence === undefined ? 1 : 0)) throw new Error("give one folder or one proof, or --evidence FILE");
  if (evidence !== undefined) {
    if (values.policy !== undefined || values.receipt !== undefined || FOLDER_ONLY.some((name) => values[name]?.length ?? values[name])) {
      throw new Error("with --evidence go --language, --page and --json only");
    }
    return { evidence: readFileSync(evidence), json, language, page };
  }
  const [top] = positionals;
  const isProof = looksLikeProof(top);
  if (!isProof && !lstatSync(top).isDirectory()) throw new Error(`${top} is not a folder`);
  if (isProof ? FOLDER_ONLY.some((name) => values[name]?.length ?? values[name]) : values.receipt !== undefined) {
    throw new Error("with a proof go --policy and --receipt; --receipt goes with a proof only");
  }
  if (!isProof) checkPlaces(top, values);
  const read = (path) => format.UTF8.decode(readFileSync(path));
  const policy = values.policy === undefined ? null : outside.parsePolicy(read(values.policy));
  const known = values.state !== undefined && existsSync(values.state);
  const state = values.state === undefined ? null : known ? format.parseState(read(values.state)) : {};
  const receipt = values.receipt === undefined ? null : proofs.parseReceipt(values.receipt);
  const notes = values.note.map((path) => ({ place: path, data: readFileSync(path) }));
  const line = values["head-line"] === undefined ? null : format.parseHeadLine(values["head-line"]);
  const notOlderThan = values["not-older-than"] === undefined ? null : outside.parseAge(values["not-older-than"]);
  const hashesOnly = values["hashes-only"] ?? false;
  const wanted = { stateFile: values.state, records, page, json, language };
  return { top, isProof, policy, state, receipt, notes, line, notOlderThan, hashesOnly, ...wanted };
}
async function judge(given) {
  if (given.evidence) return proofs.verifyEvidence(given.evidence);
  if (given.isProof) return proofs.verifyProof(readFileSync(given.top), given);
  return given.records === undefined ? verifyDirectory(given.top, given) : judgeAndKeep(given);
}
/** Records go to a draft while they are checked; it gets its name when the folder is INTACT. */
async function judgeAndKeep(given) {
  const draft = `${given.records}.new`;
  const file = openSync(draft, "w");
  try {
    let [waiting, size] = [[], 0];
    const flush = () => {
      writeSync(file, Buffer.concat(waiting));
      [waiting, size] = [[], 0];
    };
    const keepRecord = (leaf) => {
      waiting.push(leaf, LINE_FEED);
      size += leaf.length + 1;
      if (size > CHUNK) flush();
    };
    const report = await verifyDirectory(given.top, { ...given, keepRecord });
    flush();
    if (report.verdict === "INTACT") renameSync(draft, given.records);
    else process.stderr.write("verify: no records were written: the folder is not INTACT\n");
    return report;
  } finally {
    closeSync(file);
    rmSync(draft, { force: true });
  }
}
/** What an auditor compares with the published source: the digest of `cat *.html *.js *.mjs`, by name. */
function digestSelf() {
  const here = new URL(".", import.meta.url);
  const names = readdirSync(here).filter((name) => /\.(html|js|mjs)$/.test(name)).sort();
  const digest = createHash("sha256");
  for (const name of names) digest.update(readFileSync(new URL(name, here)));
  return digest.digest("hex");
}

/** Whether a file is named as a proof or begins as one. */
function looksLikeProof(path) {
  if (!lstatSync(path).isFile()) return false;
  return path.endsWith(".tlog-proof") || readFileSync(path).subarray(0, PROOF.length).toString() === PROOF;
}

function keepState(path, state, report) {
  const root = format.hex(format.unbase64(report.root));
  const seen = { ...state, [report.log]: { root, size: report.size, vkey: report.key.vkey } };
  writeFileSync(`${path}.new`, JSON.stringify(seen, null, 1));
  renameSync(`${path}.new`, path);
}

// what a folder says is shown in ASCII; the letters are those of our own sentences
const printable = (string) => string.replace(/[^\x20-\x7e\n’–…àâäçéèêëîïôöùûüÀÂÄÇÉÈÊËÎÏÔÖÙÛÜßœŒ]/g, "?");
const plain = (string) => string.replace(/’/g, "'").replace(/–/g, "-").replace(/[^\x20-\x7e\n]/g, "?");

async function main() {
  let given;
  try {
    given = readOptions();
  } catch (error) {
    const why = error.code ?? (error instanceof format.Malformed ? "not a policy, state, receipt, printed head or time" : error.message);
    process.stderr.write(`verify: ${plain(String(why))}\nusage: ${HELP}\n`);
    return USAGE;
  }
  try {
    const report = { ...(await judge(given)), verifier_sha256: digestSelf() };
    const clean = given.language === "en" ? plain : printable;
    process.stdout.write(given.json ? `${plain(JSON.stringify(report, null, 1))}\n` : `${clean(told.format(report, given.language))}\n`);
    if (given.page !== undefined) writeFileSync(given.page, told.formatPage(report, given.language));
    if (given.stateFile !== undefined && report.verdict === "INTACT") keepState(given.stateFile, given.state, report);
    return report.exit;
  } catch (error) {
    if (error.syscall === undefined) throw error;
    process.stderr.write(`verify: ${plain(String(error.path ?? ""))}: ${error.code}: it cannot be written\n`);
    return USAGE;
  }
}

const [, started] = process.argv;
if (existsSync(started ?? "") && realpathSync(started) === fileURLToPath(import.meta.url)) {
  main().then(
    (code) => (process.exitCode = code),
    (error) => {
      process.stderr.write(`verify: UNVERIFIABLE, the check failed (${error.name})\n`);
      process.exitCode = audit.EXIT.UNVERIFIABLE;
    },
  );
}
