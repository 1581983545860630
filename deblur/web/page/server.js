// Requests to the server. Every failure is an Error with a message for the visitor.

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function request(method, url, body, signal) {
  let response;
  try {
    response = await fetch(url, { method, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not respond. Is deblur web still running?", 0);
  }
  const type = response.headers.get("content-type") ?? "";
  const content = type.includes("json") ? await response.json() : {};
  if (!response.ok) throw new Refused(content.error ?? `The server responded with status ${response.status}.`, response.status);
  return content;
}

const path = id => `photos/${encodeURIComponent(id)}`;

export const limits = () => request("GET", "limits");
export const upload = (file, signal) => request("POST", `photos?name=${encodeURIComponent(file.name)}`, file, signal);
export const example = (name, signal) => request("POST", `photos?example=${encodeURIComponent(name)}`, undefined, signal);
export const uploadPsf = (id, file) => request("POST", `${path(id)}/psf?name=${encodeURIComponent(file.name)}`, file);
export const preview = (id, settings, signal) => request("POST", `${path(id)}/preview`, JSON.stringify(settings), signal);
export const start = (id, settings) => request("POST", `${path(id)}/job`, JSON.stringify(settings));
export const keep = id => request("GET", path(id));
export const progress = id => request("GET", `${path(id)}/job`);
export const cancel = id => request("DELETE", `${path(id)}/job`);
export const forget = id => navigator.sendBeacon(`${path(id)}/forget`);
export const address = (id, part) => `${path(id)}/${part}`;
