/* The page of the second verifier: takes a folder, shows the report. Nothing leaves the machine. */
"use strict";
(() => {
  const { UTF8, hex, parseHeadLine, parseState, unbase64 } = globalThis.parvisFormat;
  const { parseAge, parsePolicy } = globalThis.parvisOutside;
  const { parseReceipt, verifyEvidence, verifyProof } = globalThis.parvisProof;
  const { verifyFolder } = globalThis.parvisAudit;
  const { LANGUAGES, speak } = globalThis.parvisTexts;
  const { outline } = globalThis.parvisReport;
  const MAX_DEPTH = 8;
  const place = document.getElementById("report");
  const choice = document.getElementById("language");
  const line = document.getElementById("told");
  const busy = document.getElementById("busy");
  const bar = document.getElementById("progress");
  let words;
  let shown = null;
  let turn = 0;
  let told = null; // what the line says, to be said in another language

  const build = (name, text, ...inner) => {
    const node = document.createElement(name);
    if (text) node.textContent = text;
    node.append(...inner);
    return node;
  };
  function setLanguage(language) {
    words = speak(language);
    choice.value = document.documentElement.lang = language;
    document.title = words.word("title");
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = words.word(node.dataset.word);
    bar.setAttribute("aria-label", words.word("working"));
    if (shown) show(shown);
    else if (told) say(...told);
  }

  function addFile(folder, path, file) {
    folder.files.set(path, { size: file.size, read: async () => new Uint8Array(await file.arrayBuffer()) });
  }
  const newFolder = () => ({ files: new Map(), odd: [], empty: [], seesLinks: false });
  /** The folder of an <input webkitdirectory>: paths begin with the folder's own name. */
  function fromInput(files) {
    const folder = newFolder();
    for (const file of files) addFile(folder, file.webkitRelativePath.split("/").slice(1).join("/"), file);
    return folder;
  }
  /** A dropped folder, null for a file: through handles where the browser has them, else through entries. */
  async function fromDrop(item) {
    const folder = newFolder();
    const entry = item.webkitGetAsEntry?.(); // both are gone after the first await
    const handle = await item.getAsFileSystemHandle?.();
    if (handle?.kind === "directory") await walk(folder, handle, "", 0, readHandle);
    else if (!handle && entry?.isDirectory) await walk(folder, entry, "", 0, readEntry);
    else return null;
    return folder;
  }
  async function walk(folder, directory, prefix, depth, read) {
    if (depth > MAX_DEPTH) return folder.odd.push({ path: prefix, reason: "deep" });
    const entries = await read(directory);
    if (!entries.length && prefix) folder.empty.push(prefix);
    for (const { name, inner, file } of entries) {
      if (inner) await walk(folder, inner, `${prefix}${name}/`, depth + 1, read);
      else addFile(folder, prefix + name, await file());
    }
  }
  async function readHandle(directory) {
    const found = [];
    for await (const one of directory.values()) {
      found.push({ name: one.name, inner: one.kind === "directory" && one, file: () => one.getFile() });
    }
    return found;
  }
  async function readEntry(directory) {
    const reader = directory.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return found;
      for (const one of some) {
        const file = () => new Promise((resolve, reject) => one.file(resolve, reject));
        found.push({ name: one.name, inner: one.isDirectory && one, file });
      }
    }
  }

  const typed = (name) => document.getElementById(name).value.trim();
  const filesOf = (name) => [...document.getElementById(name).files];
  const readBytes = async (file) => new Uint8Array(await file.arrayBuffer());
  const readText = async (file) => UTF8.decode(await readBytes(file));
  /** What goes with the folder; each reader throws when its field is not what it must be. */
  const READERS = {
    both: async () => {
      if (typed("key") && filesOf("policy").length) throw new Error("one or the other");
    },
    key: async () => {
      const vkey = typed("key");
      return { policy: vkey ? parsePolicy(`log ${vkey}\nquorum none\n`) : null };
    },
    policy: async () => {
      const [file] = filesOf("policy");
      return file ? { policy: parsePolicy(await readText(file)) } : {};
    },
    state: async () => {
      const [file] = filesOf("state");
      return { state: file ? parseState(await readText(file)) : null };
    },
    notes: async () => ({
      notes: await Promise.all(filesOf("notes").map(async (file) => ({ place: file.name, data: await readBytes(file) }))),
    }),
    line: async () => ({ line: typed("line") ? parseHeadLine(typed("line")) : null }),
    age: async () => ({ notOlderThan: typed("age") ? parseAge(typed("age")) : null }),
    receipt: async () => ({ receipt: typed("receipt") ? parseReceipt(typed("receipt")) : null }),
  };
  const BAD = { both: "keyAndPolicy", key: "badKey", policy: "badPolicy", state: "badState", notes: "badState", line: "badLine", age: "badAge", receipt: "badReceipt" };
  async function readGiven() {
    const given = {};
    for (const [name, read] of Object.entries(READERS)) {
      try {
        Object.assign(given, await read());
      } catch {
        document.getElementById("bad-key").textContent = words.word(BAD[name]);
        return null;
      }
    }
    return given;
  }
  async function judgeFile(file, given) {
    const data = await readBytes(file);
    return data[0] === "{".charCodeAt(0) ? verifyEvidence(data) : verifyProof(data, given);
  }
  /** Thrown by the progress of a check that nobody waits for any more. */
  class Stopped extends Error {}
  async function check(judge) {
    const mine = ++turn;
    document.getElementById("bad-key").textContent = "";
    shown = null;
    place.replaceChildren();
    const given = await readGiven();
    if (!given) return say("");
    say("reading");
    busy.hidden = false;
    let [report, last] = [null, 0];
    const progress = (part, whole) => {
      if (mine !== turn) throw new Stopped();
      Object.assign(bar, { value: part, max: whole });
      const tenth = Math.floor((part / whole) * 10);
      if (tenth > last) say("working", ` ${10 * (last = tenth)} %`);
    };
    try {
      report = await judge({ ...given, progress });
    } catch (error) {
      if (error instanceof Stopped) return null;
      const findings = [{ verdict: "UNVERIFIABLE", file: "", reason: "unread" }];
      report = { verdict: "UNVERIFIABLE", log: null, checks: {}, findings, open: [] };
    }
    if (mine !== turn) return null;
    busy.hidden = true;
    return show(Object.assign(report, { seen: given.state }));
  }
  /** One short line, read out by a screen reader: the report itself is too long for that. */
  function say(name, more = "") {
    told = [name, more];
    line.className = "";
    line.textContent = name && words.word(name) + more;
  }
  /** What to keep for the next time, as a file that `--state` and this page take. */
  function offerState(report) {
    const root = hex(unbase64(report.root));
    const state = { ...report.seen, [report.log]: { root, size: report.size, vkey: report.key.vkey } };
    const link = build("a", words.word("keep"));
    link.href = URL.createObjectURL(new Blob([JSON.stringify(state, null, 1)], { type: "application/json" }));
    link.download = "seen.json";
    return build("p", "", link);
  }

  function show(report) {
    shown = report;
    const { verdict, anchor, meaning, sections } = outline(report, words.language);
    const head = build("p", verdict + anchor);
    head.className = `verdict ${verdict}`;
    const parts = [head, build("p", meaning)];
    if (verdict === "INTACT" && !report.record) parts.push(offerState(report));
    parts.push(offerPrint());
    for (const { heading, rows, lines } of sections) {
      parts.push(build("h2", heading));
      const cells = rows.map(([term, value]) => [build("dt", term), build("dd", value)]);
      if (rows.length) parts.push(build("dl", "", ...cells.flat()));
      if (lines.length) parts.push(build("ul", "", ...lines.map((text) => build("li", text))));
    }
    place.replaceChildren(...parts);
    told = null;
    line.className = "spoken"; // the eye finds it below
    line.textContent = `${verdict}${anchor}: ${meaning}`;
  }
  function offerPrint() {
    const button = build("button", words.word("print"));
    button.type = "button";
    button.addEventListener("click", () => window.print());
    return build("p", "", button);
  }

  document.getElementById("cancel").addEventListener("click", () => {
    turn++;
    busy.hidden = true;
    say("cancelled");
    document.getElementById("folder").focus();
  });
  choice.addEventListener("change", () => setLanguage(choice.value));
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("folder").addEventListener("change", (event) => {
    if (event.target.files.length) {
      const folder = fromInput(event.target.files);
      check((given) => verifyFolder(folder, given));
    }
    event.target.value = "";
  });
  document.getElementById("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) check((given) => judgeFile(file, given));
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.querySelector(".drop").classList.add("over");
  });
  document.addEventListener("dragleave", () => document.querySelector(".drop").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.querySelector(".drop").classList.remove("over");
    const item = event.dataTransfer.items[0];
    const [file] = event.dataTransfer.files;
    const folder = item && fromDrop(item); // what was dropped is gone after the first await
    if (item) check(async (given) => ((await folder) ? verifyFolder(await folder, given) : judgeFile(file, given)));
  });
  const mine = navigator.languages.map((language) => language.slice(0, 2));
  setLanguage(mine.find((language) => LANGUAGES.includes(language)) ?? "en");
})();
