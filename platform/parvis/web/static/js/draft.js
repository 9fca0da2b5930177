// What was typed and not sent yet, kept in this browser until it is sent or the person signs out.

const PREFIX = "parvis-draft:";

/** @param {string} key @returns {string} */
export function loadDraft(key) {
  try { return localStorage.getItem(PREFIX + key) ?? ""; } catch { return ""; }
}

/** @param {string} key @param {string} text */
export function saveDraft(key, text) {
  try {
    if (text) localStorage.setItem(PREFIX + key, text);
    else localStorage.removeItem(PREFIX + key);
  } catch { /* storage is full or closed: the text still stands in the field */ }
}

export function forgetDrafts() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch { /* nothing was kept */ }
}
