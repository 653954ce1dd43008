// The page: a list of jobs, one job with its frames, one frame growing, the workers. Strings from the server are set as text only, never as HTML.
import * as api from './api.js';
import { FrameView } from './frame_view.js';

const POLL_MS = 2500, LONGEST_PAUSE_MS = 30000, EVENTS_WAIT_S = 25, JOBS_SHOWN = 200, FRAMES_SHOWN = 500;
const at = id => document.getElementById(id);
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const over = state => state === 'done' || state === 'failed' || state === 'cancelled';

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
const stateOf = state => element('span', state, { class: 'state', 'data-state': state });
const time = us => us ? new Date(us / 1000).toLocaleString() : '';
const count = (n, of) => `${n.toLocaleString()} ${of}${n === 1 ? '' : 's'}`;
function duration(us) {
  const s = Math.max(0, Math.round(us / 1e6));
  return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

// ---- what is selected, kept in the address so that a link shows the same -------------------------------------------------------------------------
const view = new FrameView(at('frame'));
const chosen = { job: null, frame: null, from: null, abort: new AbortController() };   // from: the first frame listed; null: where the work is

function readAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const frame = hash.get('frame');
  choose(hash.get('job'), frame !== null && /^-?\d+$/.test(frame) ? Number(frame) : null);
}
function choose(job, frame, from = null) {
  const other = job !== chosen.job;
  if (!other && frame === chosen.frame && from === chosen.from) return;
  chosen.job = job;
  chosen.frame = frame;
  chosen.from = from;
  const hash = new URLSearchParams();
  if (job !== null) hash.set('job', job);
  if (frame !== null) hash.set('frame', frame);
  history.replaceState(null, '', location.pathname + (String(hash) && '#' + hash));
  if (other) at('job').hidden = true;
  chosen.abort.abort();
  chosen.abort = new AbortController();
  if (job !== null) follow(job, chosen.abort.signal);
  for (const button of at('jobs').querySelectorAll('button')) button.setAttribute('aria-current', String(button.dataset.job === job));
}

// ---- errors: one line in the header; a refused token brings the form back; a silent server is asked again, ever more slowly --------------------------
let failures = 0;
function well() {
  if (failures) at('status').textContent = '';
  failures = 0;
}
async function failed(error) {
  if (error.name === 'AbortError') return;
  failures += 1;
  if (error.status === 401 || error.status === 403) return signIn(error.message);
  const ms = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** Math.min(failures - 1, 5));
  at('status').textContent = `${error.message} (asking again in ${Math.round(ms / 1000)} s)`;
  await pause(ms);
}
function signIn(message) {
  chosen.abort.abort();
  at('farm').hidden = true;
  at('sign-in').hidden = false;
  if (api.forgetToken()) at('sign-in-error').textContent = message;
  at('token').focus();
}

// ---- lists ------------------------------------------------------------------------------------------------------------------------------------------
// Rows are kept and changed in place, so that focus and screen readers stay where they are.
function keyed(list, items, key, make, change) {
  const old = new Map(Array.from(list.children, row => [row.dataset.key, row]));
  items.forEach((item, index) => {
    const id = String(key(item));
    let row = old.get(id);
    old.delete(id);
    if (!row) { row = make(item); row.dataset.key = id; }
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    change(row, item);
  });
  for (const row of old.values()) row.remove();
}
function setState(span, state) {
  if (span.textContent !== state) span.textContent = state;
  span.dataset.state = state;
}
const share = tiles => tiles.total ? tiles.done / tiles.total : 0;

function showJobs(jobs) {
  at('no-jobs').hidden = jobs.length > 0;
  keyed(at('jobs'), jobs, job => job.job, job => {
    const row = element('li'), button = element('button', null, { type: 'button', 'data-job': job.job, 'aria-current': String(job.job === chosen.job) });
    button.append(element('span', job.name || job.job, { class: 'name' }), stateOf(job.state), element('span', time(job.created_us), { class: 'when' }),
      element('progress', null, { max: 1, 'aria-label': 'progress' }));
    button.addEventListener('click', () => choose(job.job, null));
    row.append(button);
    return row;
  }, (row, job) => {
    setState(row.querySelector('.state'), job.state);
    row.querySelector('progress').value = share(job.tiles);
  });
  if (chosen.job === null && jobs.length) choose((jobs.find(job => !over(job.state)) ?? jobs[0]).job, null);
}
function showWorkers(workers) {
  at('no-workers').hidden = workers.length > 0;
  at('workers-table').hidden = workers.length === 0;
  keyed(at('workers'), workers, worker => worker.id, () => {
    const row = element('tr');
    for (let cell = 0; cell < 5; cell += 1) row.append(element('td'));
    return row;
  }, (row, worker) => {
    [worker.host, worker.device, worker.state, worker.running, worker.tiles_done].forEach((value, cell) => {
      const text = String(value ?? '');
      if (row.children[cell].textContent !== text) row.children[cell].textContent = text;
    });
  });
}
// Workers are the operator's business: to a tenant's token the server says 403, and the section goes.
async function workersIfShown() {
  if (at('workers-section').hidden) return null;
  try { return await api.workers(); } catch (error) {
    if (error.status !== 403) throw error;
    at('workers-section').hidden = true;
    return null;
  }
}
async function poll() {
  for (;;) {
    if (!document.hidden && !at('farm').hidden) {
      try {
        const [jobs, workers] = await Promise.all([api.jobs(JOBS_SHOWN), workersIfShown()]);
        well();
        showJobs(jobs);
        if (workers) showWorkers(workers);
      } catch (error) { await failed(error); }
    }
    await pause(POLL_MS);
  }
}

// ---- one job ------------------------------------------------------------------------------------------------------------------------------------------
function showJob(job) {
  at('job').hidden = false;
  at('job-title').textContent = job.name || job.job;
  setState(at('job-state'), job.state);
  at('cancel').hidden = over(job.state);
  at('job-progress').value = share(job.tiles);
  at('job-progress-text').textContent = `${job.tiles.done.toLocaleString()} of ${count(job.tiles.total, 'tile')}, ${job.frames.done.toLocaleString()} of ${count(job.frames.total, 'frame')}` +
    (job.tiles.leased ? `, ${job.tiles.leased.toLocaleString()} being rendered` : '');
  at('job-error').hidden = !job.error;
  at('job-error').textContent = job.error?.message ?? '';
  keyed(at('job-notes'), [...new Set(job.notes ?? [])], note => note, note => element('li', note), () => {});
  const facts = [['Job', job.job], ['Scene', job.scene], ['Submitted', time(job.created_us)]];
  if (job.started_us) facts.push(['Time', duration((job.finished_us ?? Date.now() * 1000) - job.started_us)]);
  if (job.device) facts.push(['Device', job.device]);
  if (job.stats?.samples) facts.push(['Samples', Number(job.stats.samples).toLocaleString()]);
  if (job.stats?.rays) facts.push(['Rays', Number(job.stats.rays).toLocaleString()]);
  facts.push(['Settings', Object.entries(job.settings ?? {}).map(([name, value]) => `${name} ${value}`).join(', ') || 'defaults']);
  at('job-facts').replaceChildren(...facts.flatMap(([name, value]) => [element('dt', name), element('dd', value)]));
}
function showFrames(frames, from, total) {
  at('frames').hidden = total < 2;
  at('frame-pages').hidden = total <= FRAMES_SHOWN;
  at('earlier').disabled = from === 0;
  at('later').disabled = from + frames.length >= total;
  at('earlier').onclick = () => choose(chosen.job, chosen.frame, Math.max(0, from - FRAMES_SHOWN));
  at('later').onclick = () => choose(chosen.job, chosen.frame, from + FRAMES_SHOWN);
  keyed(at('frames'), frames, frame => frame.frame, frame => {
    const row = element('li'), button = element('button', String(frame.frame), { type: 'button' });
    button.append(stateOf(frame.state));
    button.addEventListener('click', () => choose(chosen.job, frame.frame, chosen.from));
    row.append(button);
    return row;
  }, (row, frame) => {
    const busy = frame.state === 'running' && frame.tiles.total;
    setState(row.querySelector('.state'), frame.state);
    if (busy) row.querySelector('.state').textContent = `${Math.floor(100 * share(frame.tiles))} %`;
    row.firstChild.setAttribute('aria-current', String(frame.frame === view.frame));
  });
}
function showFrame(frame) {
  const tiles = `${frame.tiles.done.toLocaleString()} of ${count(frame.tiles.total, 'tile')}`;
  at('frame-text').textContent = `Frame ${frame.frame}, ${frame.width} x ${frame.height}: ` + (frame.state === 'done' ? 'done' : `${frame.state}, ${tiles}`) + (frame.error ? `. ${frame.error.message}` : '');
  at('frame').setAttribute('aria-label', at('frame-text').textContent);
  at('download').hidden = frame.state !== 'done';
}
// The frame that was picked, else the one being rendered, the last one done, the first.
async function frameToShow(job, frames, signal) {
  if (chosen.frame !== null) return frames.find(frame => frame.frame === chosen.frame) ?? api.frame(job, chosen.frame, signal);
  return frames.find(frame => frame.state === 'running' || frame.state === 'assembling') ?? frames.findLast(frame => frame.state === 'done') ?? frames[0];
}
async function follow(id, signal) {
  let after = 0;
  while (!signal.aborted) {
    try {
      const job = await api.job(id, signal);
      const where = Math.min(job.frames.done, job.frames.total - 1);   // frames are rendered in about this order
      const from = chosen.from ?? Math.max(0, where - where % FRAMES_SHOWN);
      const { frames } = await api.frames(id, from, FRAMES_SHOWN, signal);
      const frame = await frameToShow(id, frames, signal);
      if (signal.aborted) return;
      well();
      showJob(job);
      if (frame) {
        if (view.job !== id || view.frame !== frame.frame) view.show(id, frame.frame);
        showFrame(frame);
        await view.update(frame);
      }
      showFrames(frames, from, job.frames.total);
      at('frame').dataset.tiles = view.drawn.size;
      at('frame').dataset.finished = view.finished ?? '';
      if (over(job.state)) return;
      const { next } = await api.events(id, after, EVENTS_WAIT_S, signal);
      after = next;
      await pause(200);   // what happens meanwhile is taken together
    } catch (error) {
      if (error.status === 404) { at('status').textContent = error.message; return; }
      await failed(error);
    }
  }
}

at('cancel').addEventListener('click', async () => {
  if (!confirm('Cancel this job? What is finished stays; the rest is not rendered.')) return;
  try { showJob(await api.cancel(chosen.job)); } catch (error) { await failed(error); }
});
at('download').addEventListener('click', async () => {
  try {
    const file = await api.image(view.job, view.frame, chosen.abort.signal);
    const link = element('a', null, { href: URL.createObjectURL(file), download: `${view.job}.${String(view.frame).padStart(4, '0')}.${file.type === 'image/x-exr' ? 'exr' : 'png'}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } catch (error) { await failed(error); }
});
function start() {
  at('sign-in').hidden = true;
  at('sign-in-error').textContent = '';
  at('farm').hidden = false;
  readAddress();
}
at('sign-in-form').addEventListener('submit', event => {
  event.preventDefault();
  api.setToken(at('token').value.trim());
  at('workers-section').hidden = false;
  at('token').value = '';
  at('status').textContent = '';
  chosen.job = null;
  start();
});
addEventListener('hashchange', () => { api.takeTokenFromAddress(); readAddress(); });

api.takeTokenFromAddress();
start();
poll();
