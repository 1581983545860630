// What the page asks the server for. Every refusal is an Error whose message can be shown.

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(method, path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, { method, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is deblur web still running?", 0);
  }
  const type = answer.headers.get("content-type") ?? "";
  const said = type.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Refused(said.error ?? `The server answered ${answer.status}.`, answer.status);
  return said;
}

const at = id => `photos/${encodeURIComponent(id)}`;

export const limits = () => ask("GET", "limits");
export const upload = (file, signal) => ask("POST", `photos?name=${encodeURIComponent(file.name)}`, file, signal);
export const example = (name, signal) => ask("POST", `photos?example=${encodeURIComponent(name)}`, undefined, signal);
export const uploadPsf = (id, file) => ask("POST", `${at(id)}/psf?name=${encodeURIComponent(file.name)}`, file);
export const preview = (id, wish, signal) => ask("POST", `${at(id)}/preview`, JSON.stringify(wish), signal);
export const start = (id, wish) => ask("POST", `${at(id)}/job`, JSON.stringify(wish));
export const keep = id => ask("GET", at(id));
export const progress = id => ask("GET", `${at(id)}/job`);
export const cancel = id => ask("DELETE", `${at(id)}/job`);
export const forget = id => navigator.sendBeacon(`${at(id)}/forget`);
export const address = (id, part) => `${at(id)}/${part}`;
