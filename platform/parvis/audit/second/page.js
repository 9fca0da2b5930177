/* The page of the second verifier: takes a folder, shows the report. Nothing leaves the machine. */
"use strict";
(() => {
  const { parsePolicy } = globalThis.parvisOutside;
  const { verifyFolder } = globalThis.parvisAudit;
  const { LANGUAGES, list, speak, tell } = globalThis.parvisTexts;
  const MAX_DEPTH = 8;
  const place = document.getElementById("report");
  const choice = document.getElementById("language");
  let words;
  let shown = null;
  let turn = 0;

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
    if (shown) show(shown);
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
  /** A dropped folder: through handles where the browser has them, else through entries. */
  async function fromDrop(item) {
    const folder = newFolder();
    const entry = item.webkitGetAsEntry?.(); // both are gone after the first await
    const handle = await item.getAsFileSystemHandle?.();
    if (handle?.kind === "directory") await walk(folder, handle, "", 0, readHandle);
    else if (!handle && entry?.isDirectory) await walk(folder, entry, "", 0, readEntry);
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

  function readKey() {
    const vkey = document.getElementById("key").value.trim();
    return vkey ? parsePolicy(`log ${vkey}\nquorum none\n`) : null;
  }
  async function check(reading) {
    const mine = ++turn;
    const wrong = document.getElementById("bad-key");
    wrong.textContent = "";
    shown = null;
    let policy;
    try {
      policy = readKey();
    } catch {
      wrong.textContent = words.word("badKey");
      return place.replaceChildren();
    }
    place.replaceChildren(build("p", words.word("working")));
    let report;
    try {
      report = await verifyFolder(await reading, { policy });
    } catch {
      const findings = [{ verdict: "UNVERIFIABLE", file: "", reason: "unread" }];
      report = { verdict: "UNVERIFIABLE", log: null, checks: {}, findings, open: [] };
    }
    if (mine === turn) show(report);
  }

  function show(report) {
    shown = report;
    const verdict = build("p", report.verdict);
    verdict.className = `verdict ${report.verdict}`;
    const facts = build("dl");
    for (const [term, value] of list(report, words)) facts.append(build("dt", term), build("dd", value));
    const parts = [verdict, build("p", words.verdict(report.verdict))];
    if (report.findings.length) {
      const lines = report.findings.map((finding) => build("li", tell(finding, words)));
      parts.push(build("h2", words.word("findings")), build("ul", "", ...lines));
    }
    if (facts.children.length) parts.push(facts);
    if (report.verdict === "INTACT") {
      parts.push(build("p", words.word(report.anchored ? "anchored" : "unanchored")), build("p", words.word("window")));
    }
    parts.push(build("h2", words.word("checks")), build("table", "", ...Object.entries(report.checks).map(showCheck)));
    if (report.open.length) {
      const lines = report.open.map((one) => build("li", `${words.word("record")} ${one.seq}, ${one.time}, ${one.kind}`));
      parts.push(build("h2", words.word("open")), build("ul", "", ...lines));
    }
    place.replaceChildren(...parts);
  }
  function showCheck([name, state]) {
    const found = state === "done" ? words.word("done") : `${words.word("skipped")}: ${words.skip(state)}`;
    return build("tr", "", build("td", words.check(name)), build("td", found));
  }

  choice.addEventListener("change", () => setLanguage(choice.value));
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("folder").addEventListener("change", (event) => {
    if (event.target.files.length) check(fromInput(event.target.files));
    event.target.value = "";
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
    if (item) check(fromDrop(item));
  });
  const mine = navigator.languages.map((language) => language.slice(0, 2));
  setLanguage(mine.find((language) => LANGUAGES.includes(language)) ?? "en");
})();
