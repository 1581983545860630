// The controls: a photo, what blurred it, the preview, the work on the whole, and the result.

import * as server from "./server.js";
import * as viewer from "./viewer.js";

const find = id => document.getElementById(id);
const POLL = 400, SETTLE = 120, FINE = 500, KEEP = 120_000; // milliseconds
const UNITS = { length: " px", angle: "°", radius: " px", sigma: " px" };
let photo = null; // { id, name, ... } of the photo that is here
let opening = null, previewing = null, timer = 0, isWorking = false, source = "";

// What is wished for.

const kind = () => document.querySelector("[name=kind]:checked").value;
const noiseLevel = () => 0.001 * 100 ** (find("noise").value / 100);
const values = { motion: ["length", "angle"], disk: ["radius"], gaussian: ["sigma"] };

function wish() {
  const asked = { kind: kind(), noise_level: find("auto").checked ? null : Number(noiseLevel().toPrecision(3)) };
  for (const name of values[kind()] ?? []) asked[name] = Number(find(name).value);
  return asked;
}

function command() {
  const asked = wish();
  const quote = text => (/^[\w.:=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const words = ["deblur restore", quote(photo.name.replace(/^-/, "./-"))];
  if (asked.kind === "file") words.push("--psf", quote(find("psf-name").textContent));
  else if (asked.kind !== "blind") words.push("--psf", `${asked.kind}:${values[asked.kind].map(name => `${name}=${asked[name]}`).join(",")}`);
  if (asked.noise_level !== null) words.push("--noise-level", asked.noise_level);
  return words.join(" ");
}

// What is said.

function complain(error) {
  if (error.name === "AbortError") return;
  find("error").textContent = error.message;
  find("error").hidden = false;
  find("error").scrollIntoView({ block: "nearest" });
}

const calm = () => { find("error").hidden = true; };
const say = text => { find("status").textContent = text; };
const hint = text => { find("hint").textContent = text; };

function refresh() {
  for (const each of document.querySelectorAll("[data-for]")) each.hidden = each.dataset.for !== kind();
  for (const [name, unit] of Object.entries(UNITS)) find(name).nextElementSibling.textContent = find(name).value + unit;
  find("noise").nextElementSibling.textContent = `${(100 * noiseLevel()).toPrecision(2)} %`;
  find("blur").disabled = find("noise-set").disabled = !photo || isWorking;
  find("restore").disabled = !photo || isWorking || (kind() === "file" && !photo.hasPsf);
  find("same").hidden = !photo;
  if (photo) find("command").textContent = command();
}

function showNoise(level) {
  if (!find("auto").checked || !level) return;
  find("noise").value = 50 * Math.log10(level / 0.001);
  refresh();
}

const seconds = left => (left >= 90 ? `about ${Math.round(left / 60)} minutes left` : `about ${Math.max(1, Math.round(left))} s left`);
const size = bytes => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

// A photo.

async function open(upload, name, local, example) {
  calm();
  opening?.abort();
  const mine = opening = new AbortController();
  leave();
  find("file-name").textContent = name;
  find("file-facts").textContent = "opening …";
  try {
    const opened = await upload(mine.signal);
    if (opening !== mine) { server.forget(opened.id); return; }
    photo = opened;
  } catch (error) {
    if (opening !== mine) return;
    find("file-name").textContent = "Drop a photo here, or choose one";
    find("file-facts").textContent = "JPEG, PNG, TIFF or WebP";
    complain(error.name === "AbortError" ? error : new Error(`${name}: ${error.message}`));
    refresh();
    return;
  }
  const facts = `${photo.width} x ${photo.height}, ${size(photo.bytes)}`;
  find("file-name").textContent = photo.name;
  find("file-facts").textContent = facts;
  say(`Opened ${photo.name}, ${facts}`);
  source = local && photo.suffix !== ".tif" ? URL.createObjectURL(local) : server.address(photo.id, "view");
  viewer.show(photo.width, photo.height, source);
  if (example) {
    document.querySelector(`[name=kind][value=${example.kind}]`).checked = true;
    for (const name of values[example.kind] ?? []) find(name).value = example[name];
    find("auto").checked = true;
  }
  refresh();
  wishChanged();
}

function leave() {
  if (photo) server.forget(photo.id);
  if (source.startsWith("blob:")) URL.revokeObjectURL(source);
  photo = null;
  isWorking = false;
  source = "";
  previewing?.abort();
  clearTimeout(timer);
  viewer.clear();
  hint("");
  find("outcome").hidden = find("work").hidden = true;
  find("restore").hidden = false;
  find("psf-name").textContent = "Choose a PSF";
  refresh();
}

const openFile = file => open(signal => server.upload(file, signal), file.name, file);

// The preview: at once by a quick method, then as the whole will be.

function wishChanged() {
  refresh();
  if (!photo || isWorking) return;
  find("outcome").hidden = true;
  find("restore").hidden = false;
  find("kernel").parentNode.hidden = kind() === "blind" || !find("kernel").src;
  previewing?.abort();
  clearTimeout(timer);
  viewer.hideAfter();
  if (kind() === "blind" || (kind() === "file" && !photo.hasPsf)) {
    viewer.hidePatch();
    hint("");
    return;
  }
  viewer.agePatch();
  timer = setTimeout(() => preview(false), SETTLE);
}

async function preview(fine) {
  const mine = previewing = new AbortController(), of = photo;
  if (!fine) hint("preview …");
  try {
    const made = await server.preview(of.id, { ...wish(), ...viewer.box(), fine }, mine.signal);
    if (mine.signal.aborted || of !== photo) return;
    calm();
    viewer.showPatch(made.image, made.box);
    find("kernel").src = made.psf;
    find("kernel").parentNode.hidden = false;
    showNoise(made.noise_level);
    hint(fine ? "preview" : "quick preview");
    document.body.dataset.preview = fine ? "fine" : "quick";
    if (!fine) timer = setTimeout(() => preview(true), FINE);
  } catch (error) {
    if (mine.signal.aborted) return;
    if (error.status === 409) timer = setTimeout(() => preview(fine), FINE); // somebody else's preview came first
    else complain(error);
  }
}

// The whole photo.

async function restore(event) {
  event.preventDefault();
  if (!photo || isWorking) return;
  const of = photo;
  calm();
  previewing?.abort();
  clearTimeout(timer);
  isWorking = true;
  report({ state: "waiting", part: 0, before: 0 });
  refresh();
  find("restore").hidden = true;
  find("outcome").hidden = true;
  find("work").hidden = false;
  find("cancel").focus();
  try {
    let now = await server.start(of.id, wish());
    while (photo === of && (now.state === "waiting" || now.state === "running")) {
      report(now);
      await new Promise(resolve => setTimeout(resolve, POLL));
      if (photo === of) now = await server.progress(of.id);
    }
    if (photo !== of) return;
    if (now.state === "failed") throw new server.Refused(now.error, 0);
    if (now.state === "done") await finish(now.facts);
    else say("Cancelled");
  } catch (error) {
    if (photo === of) complain(error);
  } finally {
    if (photo === of) {
      const hadFocus = document.activeElement === find("cancel") || document.activeElement === document.body;
      isWorking = false;
      find("work").hidden = true;
      find("restore").hidden = !find("outcome").hidden;
      refresh();
      if (hadFocus) (find("outcome").hidden ? find("restore") : find("download")).focus({ preventScroll: true });
    }
  }
}

function report(now) {
  const queue = now.before ? `waiting; ${now.before} before this one` : "waiting for a free place";
  find("what").textContent = now.state === "waiting" ? queue : now.what;
  find("bar").value = now.part;
  find("left").textContent = now.seconds_left == null ? "" : seconds(now.seconds_left);
}

async function finish(facts) {
  const place = part => server.address(photo.id, `job/${part}`);
  find("download").href = place("file");
  find("psf").querySelector("img").src = place("psf");
  const [rows, columns] = facts.psf_shape;
  const isFound = facts.confidence !== null;
  find("psf").querySelector("figcaption").textContent =
    `${isFound ? "The blur that was found" : "The blur that was undone"}: its PSF, ${columns} x ${rows} pixels`;
  const sure = isFound ? ` Confidence ${Math.round(100 * facts.confidence)} %${facts.reason ? `: ${facts.reason}.` : "."}` : "";
  find("facts").textContent = `Done in ${facts.seconds} s.${sure}`;
  showNoise(facts.noise_level);
  await viewer.showAfter(place("view"));
  find("outcome").hidden = false;
  find("outcome").scrollIntoView({ block: "nearest" });
  hint("restored");
  say(`Done. ${find("facts").textContent}`);
}

// Events.

find("panel").addEventListener("submit", restore);
find("cancel").addEventListener("click", () => server.cancel(photo.id).catch(complain));
find("file").addEventListener("change", event => {
  const [file] = event.target.files;
  event.target.value = ""; // so that the same file can be chosen again
  if (file) openFile(file);
});
for (const button of document.querySelectorAll("[data-example]")) {
  const { example, ...settings } = button.dataset;
  button.addEventListener("click", () => open(signal => server.example(example, signal), example, null, settings));
}
find("psf-file").addEventListener("change", async event => {
  const [file] = event.target.files, of = photo;
  event.target.value = "";
  if (!file || !of) return;
  try {
    const read = await server.uploadPsf(of.id, file);
    if (of !== photo) return;
    calm();
    photo.hasPsf = true;
    find("psf-name").textContent = read.name;
    wishChanged();
  } catch (error) {
    complain(error);
  }
});
find("blur").addEventListener("input", event => { if (event.target.type !== "file") wishChanged(); });
find("noise").addEventListener("input", () => { find("auto").checked = false; wishChanged(); });
find("auto").addEventListener("input", wishChanged);
viewer.onMoved(() => { if (photo && !isWorking && find("outcome").hidden) wishChanged(); });

addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("over-page"); });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("over-page"); });
addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("over-page");
  const [file] = event.dataTransfer.files;
  if (file) openFile(file);
});
addEventListener("paste", event => {
  const [file] = event.clipboardData.files;
  if (file) openFile(file);
});
setInterval(() => {
  if (photo && !isWorking) server.keep(photo.id).catch(error => { if (error.status === 404) leave(); complain(error); });
}, KEEP);
addEventListener("pagehide", () => { if (photo) server.forget(photo.id); });
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

server.limits().then(most => {
  if (!photo) find("file-facts").textContent =
    `JPEG, PNG, TIFF or WebP; up to ${most.file_bytes / 1e6} MB and ${most.pixels / 1e6} megapixels`;
}).catch(complain);
refresh();
