// The HTTP API of farm/protocol/api.hpp, as far as the page needs it. The token lives in this tab only (sessionStorage) and never in an address.

export class ApiError extends Error {
  constructor(status, message) { super(message); this.status = status; }   // status 0: no answer at all
}

const KEY = 'raymill-token';
export function setToken(token) { sessionStorage.setItem(KEY, token); }
export function forgetToken() {   // true where there was one
  const had = sessionStorage.getItem(KEY) !== null;
  sessionStorage.removeItem(KEY);
  return had;
}

// `serve` prints an address that ends in #token=...: taken once, then removed, so that it is in no bookmark and no shared link.
export function takeTokenFromAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const token = hash.get('token');
  if (token === null) return;
  setToken(token);
  hash.delete('token');
  history.replaceState(null, '', location.pathname + (String(hash) && '#' + hash));
}

async function request(path, options = {}) {
  const headers = {};
  const token = sessionStorage.getItem(KEY);
  if (token) headers.Authorization = 'Bearer ' + token;
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'the server does not answer');
  }
  if (response.ok) return response;
  let message = `the server answers ${response.status}`;
  try { message = String((await response.json()).error.message); } catch { /* not the API's own answer: a proxy's page, say */ }
  throw new ApiError(response.status, message);
}
async function json(path, options) {
  const response = await request(path, options);
  try { return await response.json(); } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'the answer is not JSON: is this a Raymill server?');
  }
}
const blob = async (path, options) => (await request(path, options)).blob();
const job_path = job => '/v1/jobs/' + encodeURIComponent(job);
const frame_path = (job, frame) => `${job_path(job)}/frames/${Number(frame)}`;

export const jobs = limit => json('/v1/jobs?limit=' + limit).then(answer => answer.jobs);
export const workers = () => json('/v1/workers').then(answer => answer.workers);
export const job = (id, signal) => json(job_path(id), { signal });
export const cancel = id => json(job_path(id) + '/cancel', { method: 'POST' });
export const frames = (id, from, limit, signal) => json(`${job_path(id)}/frames?from=${from}&limit=${limit}`, { signal });
export const frame = (id, number, signal) => json(frame_path(id, number), { signal });
export const events = (id, after, wait_s, signal) => json(`${job_path(id)}/events?after=${after}&wait_s=${wait_s}`, { signal });
export const tiles = (id, frame, after, signal) => json(`${frame_path(id, frame)}/tiles?after=${after}`, { signal });
export const preview = (id, frame, tile, signal) => blob(`${frame_path(id, frame)}/tiles/${Number(tile)}/preview`, { signal });
export const image = (id, frame, signal) => blob(`${frame_path(id, frame)}/image`, { signal });
