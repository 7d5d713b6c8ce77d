// Shows what is true now, puts a keypad on a page, and makes itself heard.
"use strict";
const { live, here } = document.currentScript.dataset;

// The page as the daemon would answer it now. What somebody types stays, as long as the same is asked.
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const [states, statesNow] = [document.querySelector(".states"), page.querySelector(".states")];
  if (states.outerHTML !== statesNow.outerHTML) states.replaceWith(statesNow);
  const [old, now] = [document.querySelector("main"), page.querySelector("main")];
  if (old.dataset.state === now.dataset.state) return;
  // A scanner types on while cards come and go.
  const typed = [...old.querySelectorAll("[data-keep]")].map(({ id, value }) => [id, value]);
  old.replaceWith(now);
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  document.title = page.title;
  begin();
}

if (live) {
  const events = new EventSource(live);
  const gone = document.querySelector(".gone");
  events.onopen = () => (gone.hidden = true);
  events.onmessage = ({ data }) => show(JSON.parse(data));
  events.onerror = () => {
    gone.hidden = false;
    // What is the holder's alone does not stay when nobody can take it away.
    if (document.querySelector(".statement")) {
      for (const part of document.querySelectorAll(".statement, .lead")) part.remove();
      document.querySelector("main").dataset.state = "";
    }
    // The daemon has started anew, and says that the browser has to be let in again.
    if (events.readyState === EventSource.CLOSED) location.assign(here);
  };
}

// Hertz and seconds of each tone: yes rises, no is low and long, try again is twice the same.
const TONES = { yes: [[880, 0.09], [1320, 0.16]], no: [[196, 0.5]], again: [[523, 0.12], [0, 0.06], [523, 0.12]] };
// Made before it is needed: whoever waits for a result shall not wait for this.
const audio = new AudioContext();
function sound(name) {
  if (!TONES[name]) return;
  let at = audio.currentTime;
  for (const [hertz, seconds] of TONES[name]) {
    if (hertz) {
      const [tone, volume] = [audio.createOscillator(), audio.createGain()];
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.3, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + seconds);
    }
    at += seconds;
  }
  document.documentElement.dataset.heard = name;
}

// A new page: its keypad, where somebody goes on, and what is heard.
let field = null;
function begin() {
  field = document.querySelector(".field input");
  for (const part of document.querySelectorAll(".keypad, [data-print]")) part.hidden = false;
  (document.querySelector("[autofocus]") ?? document.querySelector("main [tabindex]"))?.focus();
  // Seen first: what is heard takes its time to be made.
  setTimeout(sound, 0, document.querySelector("main").dataset.sound);
}
begin();

document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".field input")) field = target;
});
document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-print]")) print();
  const { digit, clear, back } = target.closest(".keypad button")?.dataset ?? {};
  if (digit !== undefined && (field.maxLength < 0 || field.value.length < field.maxLength)) field.value += digit;
  if (clear !== undefined) field.value = "";
  if (back !== undefined) field.value = field.value.slice(0, -1);
});
