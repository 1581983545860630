// The controls: choosing a photo and its blur, the preview, the restoration, and the result.

import * as server from "./server.js";
import * as viewer from "./viewer.js";

const find = id => document.getElementById(id);
// Milliseconds. A preview starts when the controls have been still for a moment, the fine one when they stay so; the
// server is asked for progress often enough to look smooth, and keeps a photo while this page says that it is open.
const POLL_INTERVAL = 400, PREVIEW_DELAY = 120, FINE_DELAY = 500, KEEP_ALIVE = 120_000;
const UNITS = { length: " px", angle: "°", radius: " px", sigma: " px" };
let photo = null; // { id, name, ... } of the uploaded photo
let opening = null, previewing = null, timer = 0, isRestoring = false, source = "";

// Settings.

const kind = () => document.querySelector("[name=kind]:checked").value;
const noiseLevel = () => 0.001 * 100 ** (find("noise").value / 100);
const parameters = { motion: ["length", "angle"], disk: ["radius"], gaussian: ["sigma"] };

function settings() {
  const chosen = { kind: kind(), noise_level: find("auto").checked ? null : Number(noiseLevel().toPrecision(3)) };
  for (const name of parameters[kind()] ?? []) chosen[name] = Number(find(name).value);
  if (chosen.kind === "blind") chosen.blur = find("estimated").value;
  return chosen;
}

function command() {
  const chosen = settings();
  const quote = text => (/^[\w.:=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const words = ["deblur restore", quote(photo.name.replace(/^-/, "./-"))];
  if (chosen.kind === "file") words.push("--psf", quote(find("psf-name").textContent));
  else if (chosen.kind === "blind") { if (chosen.blur !== "auto") words.push("--blur", chosen.blur); }
  else words.push("--psf", `${chosen.kind}:${parameters[chosen.kind].map(name => `${name}=${chosen[name]}`).join(",")}`);
  if (chosen.noise_level !== null) words.push("--noise-level", chosen.noise_level);
  return words.join(" ");
}

// Messages.

function showError(error) {
  if (error.name === "AbortError") return;
  find("error").textContent = error.message;
  find("error").hidden = false;
  find("error").scrollIntoView({ block: "nearest" });
}

const clearError = () => { find("error").hidden = true; };
const announce = text => { find("status").textContent = text; };
const showHint = text => { find("hint").textContent = text; };

function refresh() {
  for (const each of document.querySelectorAll("[data-for]")) each.hidden = each.dataset.for !== kind();
  for (const [name, unit] of Object.entries(UNITS)) find(name).nextElementSibling.textContent = find(name).value + unit;
  find("noise").nextElementSibling.textContent = `${(100 * noiseLevel()).toPrecision(2)} %`;
  find("blur").disabled = find("noise-set").disabled = !photo || isRestoring;
  find("restore").disabled = !photo || isRestoring || (kind() === "file" && !photo.hasPsf);
  find("command-line").hidden = !photo;
  if (photo) find("command").textContent = command();
}

function showNoise(level) {
  if (!find("auto").checked || !level) return;
  find("noise").value = 50 * Math.log10(level / 0.001);
  refresh();
}

const timeLeft = seconds => (seconds >= 90 ? `about ${Math.round(seconds / 60)} minutes left` : `about ${Math.max(1, Math.round(seconds))} s left`);
const fileSize = bytes => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

// A photo.

async function open(upload, name, local, example) {
  clearError();
  opening?.abort();
  const controller = opening = new AbortController();
  closePhoto();
  find("file-name").textContent = name;
  find("file-facts").textContent = "opening …";
  try {
    const opened = await upload(controller.signal);
    if (opening !== controller) { server.forget(opened.id); return; }
    photo = opened;
  } catch (error) {
    if (opening !== controller) return;
    find("file-name").textContent = "Drop a photo here, or choose one";
    find("file-facts").textContent = "JPEG, PNG, TIFF or WebP";
    showError(error.name === "AbortError" ? error : new Error(`${name}: ${error.message}`));
    refresh();
    return;
  }
  const facts = `${photo.width} x ${photo.height}, ${fileSize(photo.bytes)}`;
  find("file-name").textContent = photo.name;
  find("file-facts").textContent = facts;
  announce(`Opened ${photo.name}, ${facts}`);
  source = local && photo.suffix !== ".tif" ? URL.createObjectURL(local) : server.address(photo.id, "view");
  viewer.show(photo.width, photo.height, source);
  if (example) {
    document.querySelector(`[name=kind][value=${example.kind}]`).checked = true;
    for (const name of parameters[example.kind] ?? []) find(name).value = example[name];
    find("auto").checked = true;
  }
  refresh();
  settingsChanged();
}

function closePhoto() {
  if (photo) server.forget(photo.id);
  if (source.startsWith("blob:")) URL.revokeObjectURL(source);
  photo = null;
  isRestoring = false;
  source = "";
  previewing?.abort();
  clearTimeout(timer);
  viewer.clear();
  showHint("");
  find("outcome").hidden = find("work").hidden = true;
  find("restore").hidden = false;
  find("psf-name").textContent = "Choose a PSF file";
  refresh();
}

const openFile = file => open(signal => server.upload(file, signal), file.name, file);

// The preview: at once by a quick method, then by the method of the whole photo.

function settingsChanged() {
  refresh();
  if (!photo || isRestoring) return;
  find("outcome").hidden = true;
  find("restore").hidden = false;
  find("kernel").parentNode.hidden = kind() === "blind" || !find("kernel").src;
  previewing?.abort();
  clearTimeout(timer);
  viewer.hideAfter();
  if (kind() === "blind" || (kind() === "file" && !photo.hasPsf)) {
    viewer.hidePatch();
    showHint("");
    return;
  }
  viewer.markPatchStale();
  timer = setTimeout(() => preview(false), PREVIEW_DELAY);
}

async function preview(fine) {
  const controller = previewing = new AbortController(), current = photo;
  if (!fine) showHint("preview …");
  try {
    const result = await server.preview(current.id, { ...settings(), ...viewer.box(), fine }, controller.signal);
    if (controller.signal.aborted || current !== photo) return;
    clearError();
    viewer.showPatch(result.image, result.box);
    find("kernel").src = result.psf;
    find("kernel").parentNode.hidden = false;
    showNoise(result.noise_level);
    showHint(fine ? "preview" : "quick preview");
    document.body.dataset.preview = fine ? "fine" : "quick";
    if (!fine) timer = setTimeout(() => preview(true), FINE_DELAY);
  } catch (error) {
    if (controller.signal.aborted) return;
    if (error.status === 409) timer = setTimeout(() => preview(fine), FINE_DELAY); // another visitor's preview came first
    else showError(error);
  }
}

// The whole photo.

async function restore(event) {
  event.preventDefault();
  if (!photo || isRestoring) return;
  const current = photo;
  clearError();
  previewing?.abort();
  clearTimeout(timer);
  isRestoring = true;
  showProgress({ state: "waiting", fraction: 0, jobs_ahead: 0 });
  refresh();
  find("restore").hidden = true;
  find("outcome").hidden = true;
  find("work").hidden = false;
  find("cancel").focus();
  try {
    let status = await server.start(current.id, settings());
    while (photo === current && (status.state === "waiting" || status.state === "running")) {
      showProgress(status);
      await new Promise(resolve => setTimeout(resolve, POLL_INTERVAL));
      if (photo === current) status = await server.progress(current.id);
    }
    if (photo !== current) return;
    if (status.state === "failed") throw new server.Refused(status.error, 0);
    if (status.state === "done") await showResult(status.facts);
    else announce("Cancelled");
  } catch (error) {
    if (photo === current) showError(error);
  } finally {
    if (photo === current) {
      const hadFocus = document.activeElement === find("cancel") || document.activeElement === document.body;
      isRestoring = false;
      find("work").hidden = true;
      const isRestored = !find("outcome").hidden && !find("download").hidden;
      find("restore").hidden = isRestored;
      refresh();
      if (hadFocus) find(isRestored ? "download" : "restore").focus({ preventScroll: true });
    }
  }
}

function showProgress(status) {
  const queue = status.jobs_ahead ? `waiting; ${status.jobs_ahead} ahead of this one` : "waiting to start";
  find("stage").textContent = status.state === "waiting" ? queue : status.stage;
  find("bar").value = status.fraction;
  find("time-left").textContent = status.seconds_left == null ? "" : timeLeft(status.seconds_left);
}

// What the page says that one may try where it has left a photo as it was; the rest is for the command.
const TRY = { smaller: "a copy of half its size", shake: "“What happened: Shake”", focus: "“What happened: Out of focus”",
  motion: "“What happened: Straight motion”", crop: "a crop that is blurred alike everywhere", psf: "a PSF file" };

function showUnchanged(facts) {
  const steps = facts.next_steps.map(step => TRY[step]).filter(Boolean).slice(0, 2);
  const next = steps.length ? ` If it is blurred, try ${steps.join(" or ")}.` : "";
  find("facts").textContent = `Left as it was${facts.reason ? `: ${facts.reason}` : ""}.${next}`;
  viewer.hideAfter();
  showHint("left as it was");
}

async function showResult(facts) {
  find("download").hidden = find("psf").hidden = !facts.changed;
  if (facts.changed) await showRestored(facts);
  else showUnchanged(facts);
  showNoise(facts.noise_level);
  find("outcome").hidden = false;
  find("outcome").scrollIntoView({ block: "nearest" });
  announce(find("facts").textContent);
}

async function showRestored(facts) {
  const address = part => server.address(photo.id, `job/${part}`);
  find("download").href = address("file");
  find("psf").querySelector("img").src = address("psf");
  const [rows, columns] = facts.psf_shape;
  const isDetected = facts.confidence !== null;
  find("psf").querySelector("figcaption").textContent =
    `${isDetected ? "Detected blur shape" : "Blur shape"} (PSF), ${columns} x ${rows} pixels`;
  const confidence = isDetected ? ` Confidence ${facts.certainty}${facts.reason ? `: ${facts.reason}.` : "."}` : "";
  find("facts").textContent = `Done in ${facts.seconds} s.${confidence}`;
  await viewer.showAfter(address("view"));
  showHint("restored");
}

// Events.

find("panel").addEventListener("submit", restore);
find("cancel").addEventListener("click", () => server.cancel(photo.id).catch(showError));
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
  const [file] = event.target.files, current = photo;
  event.target.value = "";
  if (!file || !current) return;
  try {
    const uploaded = await server.uploadPsf(current.id, file);
    if (current !== photo) return;
    clearError();
    photo.hasPsf = true;
    find("psf-name").textContent = uploaded.name;
    settingsChanged();
  } catch (error) {
    showError(error);
  }
});
find("blur").addEventListener("input", event => { if (event.target.type !== "file") settingsChanged(); });
find("noise").addEventListener("input", () => { find("auto").checked = false; settingsChanged(); });
find("auto").addEventListener("input", settingsChanged);
viewer.onMoved(() => { if (photo && !isRestoring && find("outcome").hidden) settingsChanged(); });

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
  if (photo && !isRestoring) server.keep(photo.id).catch(error => { if (error.status === 404) closePhoto(); showError(error); });
}, KEEP_ALIVE);
addEventListener("pagehide", () => { if (photo) server.forget(photo.id); });
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

server.limits().then(limits => {
  if (!photo) find("file-facts").textContent =
    `JPEG, PNG, TIFF or WebP; up to ${limits.file_bytes / 1e6} MB and ${limits.pixels / 1e6} megapixels`;
}).catch(showError);
refresh();
