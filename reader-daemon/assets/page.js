// Looks again when what the page shows is no longer true, and puts a keypad on it.
"use strict";
const seen = document.currentScript.dataset.seen;

async function watch() {
  for (;;) {
    try {
      const answer = await fetch("/news?seen=" + encodeURIComponent(seen));
      if (!answer.ok || (await answer.json())) return location.assign("/");
    } catch {
      // The daemon is gone for a while: it is asked again, and says then that the browser has to be let in anew.
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}
if (seen) watch();

const pad = document.querySelector(".keypad");
if (pad) {
  const fields = [...document.querySelectorAll("input[type=password]")];
  let field = fields[0];
  for (const one of fields) one.addEventListener("focus", () => (field = one));
  pad.hidden = false;
  pad.addEventListener("click", ({ target }) => {
    const { digit } = target.dataset;
    if (digit !== undefined && field.value.length < field.maxLength) field.value += digit;
    if ("clear" in target.dataset) field.value = "";
    if ("back" in target.dataset) field.value = field.value.slice(0, -1);
  });
}
