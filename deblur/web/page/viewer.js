// The photo, before and after, at 100 % (a pixel of the photo is a pixel of the screen) or fitted into the frame.

const find = id => document.getElementById(id);
const viewer = find("viewer"), pane = find("pane"), canvas = find("canvas"), over = find("over"), line = find("line");
const before = find("before"), after = find("after"), patch = find("patch"), compare = find("compare");
const PREVIEW_SIDE = 400; // pixels of the photo: larger previews would not come at once
let photo = null, fitted = false, patchBox = null, onMove = () => {};

export function show(width, height, source) {
  photo = { width, height };
  before.src = source;
  after.hidden = patch.hidden = true;
  patchBox = null;
  delete viewer.dataset.empty;
  viewer.dataset.single = "";
  layOut();
  center();
}

export function clear() {
  photo = null;
  viewer.dataset.empty = "";
}

export async function showAfter(source) {
  after.src = source;
  await after.decode();
  after.hidden = false;
  patch.hidden = true;
  delete viewer.dataset.single;
  moveDivider();
}

export function hideAfter() {
  after.hidden = true;
  if (patch.hidden) viewer.dataset.single = "";
}

export function showPatch(source, box) {
  patch.src = source;
  patch.classList.remove("stale");
  patchBox = box;
  patch.hidden = false;
  after.hidden = true;
  delete viewer.dataset.single;
  placePatch();
  moveDivider();
}

export function hidePatch() {
  patch.hidden = true;
  if (after.hidden) viewer.dataset.single = "";
}

export const markPatchStale = () => patch.classList.add("stale");
export const onMoved = callback => { onMove = callback; };

/** The central part of the visible photo, in its pixels. */
export function box() {
  const s = scale();
  const visible = (scroll, client, offset, size) => {
    const first = Math.max(0, (scroll - offset) / s), last = Math.min(size, (scroll + client - offset) / s);
    const side = Math.max(1, Math.min(PREVIEW_SIDE, Math.round(last - first)));
    return [Math.max(0, Math.round((first + last - side) / 2)), side];
  };
  const [left, width] = visible(pane.scrollLeft, pane.clientWidth, canvas.offsetLeft, photo.width);
  const [top, height] = visible(pane.scrollTop, pane.clientHeight, canvas.offsetTop, photo.height);
  return { left, top, width, height };
}

function scale() {
  const actual = 1 / window.devicePixelRatio;
  if (!fitted) return actual;
  return Math.min(actual, pane.clientWidth / photo.width, pane.clientHeight / photo.height);
}

function layOut() {
  if (!photo) return;
  const s = scale();
  canvas.style.width = `${photo.width * s}px`;
  canvas.style.height = `${photo.height * s}px`;
  placePatch();
  moveDivider();
}

function placePatch() {
  if (!patchBox) return;
  const [left, top, width, height] = patchBox.map(each => each * scale());
  Object.assign(patch.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
}

function moveDivider() {
  const at = pane.clientWidth * compare.value / 100;
  line.style.left = `${at}px`;
  const inside = Math.max(0, at + pane.scrollLeft - canvas.offsetLeft);
  over.style.clipPath = `inset(0 0 0 ${inside}px)`;
}

function center() {
  pane.scrollLeft = (pane.scrollWidth - pane.clientWidth) / 2;
  pane.scrollTop = (pane.scrollHeight - pane.clientHeight) / 2;
}

function zoom(whole) {
  const middle = photo && box();
  fitted = whole;
  find("whole").setAttribute("aria-pressed", whole);
  find("actual").setAttribute("aria-pressed", !whole);
  layOut();
  if (middle && !whole) {
    pane.scrollLeft = (middle.left + middle.width / 2) * scale() - pane.clientWidth / 2;
    pane.scrollTop = (middle.top + middle.height / 2) * scale() - pane.clientHeight / 2;
  }
  onMove();
}

compare.addEventListener("input", moveDivider);
pane.addEventListener("scroll", () => { moveDivider(); onMove(); }, { passive: true });
new ResizeObserver(layOut).observe(pane);
find("whole").addEventListener("click", () => zoom(true));
find("actual").addEventListener("click", () => zoom(false));

line.addEventListener("pointerdown", event => line.setPointerCapture(event.pointerId));
line.addEventListener("pointermove", event => {
  if (!line.hasPointerCapture(event.pointerId)) return;
  const frame = pane.getBoundingClientRect();
  compare.value = 100 * (event.clientX - frame.left) / frame.width;
  moveDivider();
});
