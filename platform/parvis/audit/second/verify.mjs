#!/usr/bin/env node
/* Check an audit export: node verify.mjs DIR [--policy FILE] [--state FILE] [--json]
 *
 * Exit codes: 0 INTACT, 2 INCOMPLETE, 3 TAMPERED, 4 UNVERIFIABLE, 5 wrong usage. No network, no
 * package; writes nothing but FILE of --state. The checking is in format.js, records.js, verifier.js.
 */
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import "./format.js";
import "./records.js";
import "./verifier.js";
import "./texts.js";

const USAGE = 5;
const MAX_DEPTH = 8;
const { parvisFormat: format, parvisAudit: audit, parvisTexts: texts } = globalThis;

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

/** The report on the folder `top`; `policy` and `state` as the parsers of format.js give them. */
export function verifyDirectory(top, options = {}) {
  return audit.verifyFolder(walk(top), options);
}

function readOptions() {
  const options = { policy: { type: "string" }, state: { type: "string" }, json: { type: "boolean" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (positionals.length !== 1 || !lstatSync(positionals[0]).isDirectory()) throw new Error("DIR is not a folder");
  const read = (path) => format.UTF8.decode(readFileSync(path));
  const policy = values.policy === undefined ? null : format.parsePolicy(read(values.policy));
  const known = values.state !== undefined && existsSync(values.state);
  const state = values.state === undefined ? null : known ? format.parseState(read(values.state)) : {};
  return { top: positionals[0], policy, state, stateFile: values.state, json: values.json };
}

function keepState(path, state, report) {
  const root = format.hex(format.unbase64(report.root));
  const seen = { ...state, [report.log]: { root, size: report.size, vkey: report.key.vkey } };
  writeFileSync(`${path}.new`, JSON.stringify(seen, null, 1));
  renameSync(`${path}.new`, path);
}

const printable = (string) => string.replace(/’/g, "'").replace(/–/g, "-").replace(/[^\x20-\x7e\n]/g, "?");

async function main() {
  let given;
  try {
    given = readOptions();
  } catch (error) {
    const why = error.code ?? (error instanceof format.Malformed ? "not a policy or state file" : error.message);
    process.stderr.write(`verify: ${printable(String(why))}\nusage: node verify.mjs DIR [--policy FILE] [--state FILE] [--json]\n`);
    return USAGE;
  }
  const report = await verifyDirectory(given.top, given);
  process.stdout.write(`${printable(given.json ? JSON.stringify(report, null, 1) : texts.format(report, "en"))}\n`);
  if (given.stateFile !== undefined && report.verdict === "INTACT") {
    try {
      keepState(given.stateFile, given.state, report);
    } catch (error) {
      process.stderr.write(`verify: what was seen cannot be kept: ${error.code}\n`);
      return USAGE;
    }
  }
  return report.exit;
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
