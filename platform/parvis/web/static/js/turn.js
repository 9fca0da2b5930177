// One question with its answer on the page. Finished blocks come sanitised from the server and pass
// DOMPurify as a second line; everything else is written as text.
import "../vendor/dompurify-3.4.18/purify.min.js";

const SAFE = {
  ALLOWED_TAGS: ["p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div"],
  ALLOWED_ATTR: ["href", "rel", "start", "class", "tabindex", "role"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  RETURN_DOM_FRAGMENT: true,
};

/** @param {ParentNode} root @param {string} name @returns {HTMLElement} */
const part = (root, name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));

export class Turn {
  /** @param {HTMLElement} article */
  constructor(article) {
    this.article = article;
    this.receipt = "";
    this.raw = /** @type {HTMLTextAreaElement} */ (part(article, "raw"));
    this.offerCopies();
  }

  /** @param {HTMLElement} list @param {string} question @param {number} number */
  static add(list, question, number) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("turn-template"));
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const article = /** @type {HTMLElement} */ (copy.querySelector("article"));
    const heading = /** @type {HTMLElement} */ (article.querySelector("h3"));
    heading.textContent = (heading.textContent ?? "").replace("NUMBER", String(number));
    part(article, "question").textContent = question;
    for (const name of ["no-sources", "masked-none"]) part(article, name).hidden = true;
    article.classList.add("writing");
    list.append(article);
    return new Turn(article);
  }

  /** @param {string} id @param {string} receipt of the record that stands before the answer */
  begin(id, receipt) {
    this.receipt = receipt;
    const link = /** @type {HTMLAnchorElement} */ (part(this.article, "model-saw"));
    link.href = link.href.replace("TURN", id);
    this.article.id = `turn-${id}`;
    const heading = /** @type {HTMLElement} */ (this.article.querySelector("h3"));
    heading.id = `q-${id}`;
    this.article.setAttribute("aria-labelledby", heading.id);
  }

  /** @param {string} text */
  showMasked(text) {
    part(this.article, "masked").textContent = text;
    part(this.article, "masked-some").hidden = !text;
    part(this.article, "masked-none").hidden = Boolean(text);
  }

  /** @param {{title: string, url: string, text: string, language: string}[]} sources */
  showSources(sources) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("source-template"));
    for (const source of sources) {
      const item = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
      const link = /** @type {HTMLAnchorElement} */ (item.querySelector("a"));
      const quote = /** @type {HTMLElement} */ (item.querySelector("blockquote"));
      link.textContent = source.title;
      if (/^https?:/.test(source.url)) link.href = source.url;
      link.lang = quote.lang = source.language;
      quote.textContent = source.text;
      part(this.article, "source-list").append(item);
    }
    part(this.article, "sources").hidden = sources.length === 0;
    part(this.article, "no-sources").hidden = sources.length > 0;
  }

  /** @param {string} html */
  addBlock(html) {
    part(this.article, "blocks").append(globalThis.DOMPurify.sanitize(html, SAFE));
  }

  /** @param {{text: string, replace: boolean}} change */
  setTail(change) {
    const tail = part(this.article, "tail");
    tail.textContent = change.replace ? change.text : (tail.textContent ?? "") + change.text;
    if (!change.replace) this.raw.value += change.text;
  }

  /** @param {string} state stopped, failed or cut */
  mark(state) {
    const note = this.article.querySelector(`[data-state="${state}"]`);
    if (note instanceof HTMLElement) note.hidden = false;
  }

  /** @param {string} receipt */
  finish(receipt = this.receipt) {
    this.article.classList.remove("writing");
    part(this.article, "receipt").textContent = receipt;
    part(this.article, "receipt-box").hidden = !receipt;
    this.offerCopies();
  }

  /** @param {boolean} sent the model was asked, so there is something to look at */
  offerModelSaw(sent) {
    part(this.article, "model-saw").hidden = !sent;
  }

  remove() {
    this.article.remove();
  }

  offerCopies() {
    part(this.article, "copy").hidden = !this.raw.value || this.article.classList.contains("writing");
    part(this.article, "copy-receipt").hidden = false;
  }

  /** Rich text for letters and mails, plain text for everything else. */
  async copyAnswer() {
    const html = part(this.article, "blocks").innerHTML;
    await navigator.clipboard.write([new ClipboardItem({
      "text/html": new Blob([html], { type: "text/html" }),
      "text/plain": new Blob([this.raw.value], { type: "text/plain" }),
    })]);
  }

  async copyReceipt() {
    await navigator.clipboard.writeText(part(this.article, "receipt").textContent ?? "");
  }
}
