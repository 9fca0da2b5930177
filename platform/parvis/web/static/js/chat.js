// The composer: sends a question, shows the answer as it comes, stops it, keeps what is not sent.
// Without this file the form still works: the page then comes back with the whole answer.
import { loadDraft, saveDraft } from "./draft.js";
import { readEvents } from "./events.js";
import { Turn } from "./turn.js";
import "./page.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const form = byId("composer");
const list = byId("turns");
const status = byId("status");
const NEAR_END = 160;

/** @type {AbortController | null} */
let running = null;
let stopped = false;

for (const article of list.querySelectorAll("article")) wireCopies(new Turn(article));
if (form) wireComposer();

/** @param {Turn} turn */
function wireCopies(turn) {
  turn.article.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button || !form) return;
    if (button.hasAttribute("data-copy")) await turn.copyAnswer();
    else if (button.hasAttribute("data-copy-receipt")) await turn.copyReceipt();
    else return;
    say(saying("copied"));
  });
}

function wireComposer() {
  const field = form.question;
  const key = `${form.dataset.agency}:${form.dataset.conversation}`;
  const draft = loadDraft(key);
  if (draft && !field.value) {
    field.value = draft;
    say(saying("restored"));
  } else if (field.value) saveDraft(key, field.value); // typed before this script ran
  field.addEventListener("input", () => saveDraft(key, field.value));
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (!running && field.value.trim()) void ask(field, key);
  });
  byId("stop").addEventListener("click", () => {
    stopped = true;
    running?.abort();
  });
  form.querySelector("[data-jump]")?.addEventListener("click", (/** @type {Event} */ event) => {
    event.preventDefault();
    const last = list.querySelector("article:last-of-type");
    const heading = last?.querySelector("h3");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
    last?.scrollIntoView();
  });
  document.addEventListener("scroll", () => showJump(), { passive: true });
  form.dataset.live = "yes"; // from here on answers stream; before, the form is sent as a page
}

/** @param {HTMLTextAreaElement} field @param {string} key */
async function ask(field, key) {
  const question = field.value.trim();
  const body = new URLSearchParams({ question, send_id: form.send_id.value });
  const turn = Turn.add(list, question, list.children.length + 1);
  let outcome = "lost";
  start();
  turn.article.scrollIntoView({ block: "end" });
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "text/event-stream", "X-CSRF-Token": form.csrf_token.value },
      signal: running?.signal,
    });
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream") || !response.body) {
      await refuse(response, turn);
      return;
    }
    saveDraft(key, "");
    field.value = "";
    wireCopies(turn);
    await readEvents(response.body, (name, data) => {
      outcome = show(turn, name, data) ?? outcome;
    });
    if (outcome === "lost") throw new TypeError("the stream ended early");
  } catch (error) {
    if (stopped) {
      turn.mark("stopped");
      turn.offerModelSaw(Boolean(turn.receipt));
      say(saying("stopped"));
    } else {
      turn.mark("failed");
      alertPerson(saying("lostTitle"), saying("lost"), location.pathname, saying("reload"));
    }
    turn.finish();
  } finally {
    finish();
  }
}

/**
 * @param {Turn} turn @param {string} name @param {any} data
 * @returns {string | undefined} how it ended, at the end
 */
function show(turn, name, data) {
  const follow = isNearEnd();
  if (name === "status") {
    turn.begin(data.turn, data.receipt);
    turn.offerModelSaw(false);
  } else if (name === "mask") turn.showMasked(data.text);
  else if (name === "source") turn.showSources(data.sources);
  else if (name === "block") turn.addBlock(data.html);
  else if (name === "tail") turn.setTail(data);
  else if (name === "done") {
    if (data.cut) turn.mark("cut");
    turn.offerModelSaw(true);
    turn.finish(data.receipt);
    say(saying("complete"));
  } else if (name === "error") {
    turn.mark("failed");
    turn.offerModelSaw(true);
    turn.finish();
    alertPerson(data.title, data.advice);
  }
  if (follow) scrollTo({ top: document.documentElement.scrollHeight });
  showJump();
  return name === "done" || name === "error" ? name : undefined;
}

/** @param {Response} response @param {Turn} turn */
async function refuse(response, turn) {
  turn.remove();
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const told = isJson ? await response.json() : {};
  if (response.status === 401) {
    const back = new URLSearchParams({ agency: form.dataset.agency, return_to: location.pathname });
    alertPerson(told.title ?? saying("signin"), told.advice ?? "", `/login?${back}`, saying("signin"));
  } else if (told.code === "sent_already") location.reload();
  else alertPerson(told.title ?? saying("lostTitle"), told.advice ?? saying("lost"), location.pathname, saying("reload"));
}

function start() {
  running = new AbortController();
  stopped = false;
  byId("alerts").replaceChildren();
  byId("stop").hidden = false;
  byId("send").setAttribute("aria-disabled", "true");
  document.querySelector("[data-empty]")?.setAttribute("hidden", "");
  say(saying("writing"));
}

function finish() {
  running = null;
  byId("stop").hidden = true;
  byId("send").removeAttribute("aria-disabled");
  form.send_id.value = crypto.randomUUID();
  form.question.focus({ preventScroll: true });
}

/** @param {string} title @param {string} advice @param {string} [href] @param {string} [label] */
function alertPerson(title, advice, href, label) {
  const box = document.createElement("div");
  const heading = document.createElement("p");
  const words = document.createElement("p");
  box.className = "notice notice-danger";
  heading.className = "notice-title";
  heading.textContent = title;
  words.textContent = `${advice} `;
  if (href && label) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = label;
    words.append(link);
  }
  box.append(heading, words);
  byId("alerts").replaceChildren(box);
  say("");
}

/** @param {string} words */
function say(words) {
  status.textContent = words;
}

/** @param {string} name @returns {string} */
function saying(name) {
  return byId("sayings")?.dataset[name] ?? "";
}

function isNearEnd() {
  return document.documentElement.scrollHeight - innerHeight - scrollY < NEAR_END;
}

function showJump() {
  byId("jump").hidden = !list.children.length || isNearEnd();
}
