// On every page of a signed-in person: signing out also forgets what was typed and not sent.
import { forgetDrafts } from "./draft.js";

document.querySelector("form[data-logout]")?.addEventListener("submit", forgetDrafts);
