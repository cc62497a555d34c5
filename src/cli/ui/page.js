// The page of `stream-cache dev --ui`. What comes from the table or the cache is text, and stays text: nothing is ever parsed as HTML.
const element = (id) => document.getElementById(id);
const MOST_RECORDS = 200;
/** What differs for less is only behind, as the stream is. */
const BEHIND_MS = 3_000;
const POINTS = 240; // two minutes of half seconds

async function act(name, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const response = await fetch(`act/${name}?${query}`, { method: 'POST' });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function span(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/* Faults and status */

function toggle(id, isOn, on, off) {
  element(id).setAttribute('aria-pressed', String(isOn));
  element(id).textContent = isOn ? on : off;
}

let now = {};

function show(state) {
  now = state;
  element('table').textContent = state.table;
  element('cache').textContent = state.cache;
  document.title = `${state.table} – stream-cache dev`;
  toggle('pause', state.isPaused, 'Resume the stream', 'Pause the stream');
  toggle('stop', state.isStopped, 'Start the cache', 'Stop the cache');
  element('stop').disabled = !state.canStop;
  const { workload } = state;
  element('workload').disabled = workload === undefined;
  if (workload === undefined) element('workload-note').textContent = state.whyNot;
  else showWorkload(workload);
  setStatus(
    state.isPaused
      ? `The stream is paused: ${state.held} records wait.`
      : state.isStopped
        ? 'The cache is stopped: readers go to the table, and records are delivered again.'
        : 'The stream is read.',
  );
}

/** Only what is new is read out. */
function setStatus(text) {
  if (element('status').textContent !== text) element('status').textContent = text;
}

function showWorkload({ isRunning, ours, plain }) {
  toggle('workload', isRunning, 'Stop the workload', 'Run the workload');
  for (const [name, cache] of [
    ['ours', ours],
    ['plain', plain],
  ]) {
    element(`${name}-hits`).textContent = cache.hits.toLocaleString('en');
    element(`${name}-misses`).textContent = cache.misses.toLocaleString('en');
    count(`${name}-back`, cache.stepsBack);
    count(`${name}-different`, cache.different, cache.longestMs > BEHIND_MS);
    element(`${name}-longest`).textContent = cache.different > 0 ? span(cache.longestMs) : '–';
  }
}

function count(id, value, isBad = value > 0) {
  element(id).textContent = value.toLocaleString('en');
  element(id).classList.toggle('bad', isBad);
}

element('pause').addEventListener('click', async () => show(await act(now.isPaused ? 'resume' : 'pause')));
element('stop').addEventListener('click', async () =>
  show(await act(now.isStopped ? 'start-cache' : 'stop-cache')),
);
element('workload').addEventListener('click', async () => {
  show(await act(now.workload.isRunning ? 'stop-workload' : 'start-workload'));
});
element('replay').addEventListener('click', async () => {
  const { replayed } = await act('replay');
  element('fault-note').textContent =
    replayed === 0
      ? 'There was no batch yet.'
      : `A batch of before was delivered again, with ${replayed} records.`;
});

/* Lag and hit rate */

const points = [];

function draw({ lagMs, hits, misses, hot }) {
  const reads = hits + misses;
  points.push({ lagMs, rate: reads > 0 ? hits / reads : undefined });
  if (points.length > POINTS) points.shift();
  const most = Math.max(1_000, ...points.map((point) => point.lagMs));
  const x = (index) => (600 * (POINTS - points.length + index)) / (POINTS - 1);
  const lag = points.map((point, index) => `${x(index)},${116 - (110 * point.lagMs) / most}`);
  const rate = points.flatMap((point, index) =>
    point.rate === undefined ? [] : [`${x(index)},${116 - 110 * point.rate}`],
  );
  element('chart').replaceChildren(
    element('chart').querySelector('title'),
    line('lag-line', lag),
    line('rate-line', rate),
  );
  element('lag').textContent = span(lagMs);
  element('rate').textContent = reads > 0 ? `${Math.round((100 * hits) / reads)} %` : '–';
  const [first] = hot;
  element('traffic').textContent =
    reads > 0 ? `${Math.round(reads)} reads/s, most of ${first?.key ?? '–'}` : '';
}

function line(name, at) {
  const polyline = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  polyline.setAttribute('class', name);
  polyline.setAttribute('points', at.join(' '));
  return polyline;
}

/* Records */

function addRecords(records) {
  element('records-none').hidden = true;
  for (const { outcome, eventName, key, ageMs } of records) {
    const item = document.createElement('li');
    item.append(
      part('outcome', outcome, outcome),
      part('event', eventName),
      part('key', key),
      part('age', ageMs === null ? '' : `${span(ageMs)} old`),
    );
    element('records').prepend(item);
  }
  while (element('records').childElementCount > MOST_RECORDS) element('records').lastElementChild.remove();
}

function part(name, text, more) {
  const span = document.createElement('span');
  span.className = more === undefined ? name : `${name} ${more}`;
  span.textContent = text;
  return span;
}

/* Entries */

let chosen;

element('search').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { keys, isCut, isListed } = await act('search', { text: element('text').value });
  const where = isListed ? 'in the cache' : 'seen by this process: the cache does not list its own';
  element('found').textContent =
    `${keys.length}${isCut ? ' and more' : ''} ${keys.length === 1 && !isCut ? 'key' : 'keys'} ${where}.`;
  element('keys').replaceChildren(
    ...keys.map((key) => {
      const button = document.createElement('button');
      button.textContent = key;
      button.addEventListener('click', () => choose(key, button));
      const item = document.createElement('li');
      item.append(button);
      return item;
    }),
  );
});

async function choose(key, button) {
  chosen = key;
  for (const other of element('keys').querySelectorAll('[aria-current]'))
    other.removeAttribute('aria-current');
  button.setAttribute('aria-current', 'true');
  element('entry-table').textContent = '';
  element('differences').replaceChildren();
  showEntry(await act('entry', { key }));
}

element('compare').addEventListener('click', async () => {
  element('entry-table').textContent = '';
  const view = await act('entry', { key: chosen, compare: '' });
  showEntry(view);
  const { differences } = view;
  const isSame = differences?.length === 0;
  element('entry-table').className = differences === undefined ? '' : isSame ? 'same' : 'differs';
  element('entry-table').textContent =
    differences === undefined ? 'not compared' : isSame ? 'the same' : 'differs';
  element('differences').replaceChildren(
    ...(differences ?? []).map(({ attribute, cache = 'none', table = 'none' }) => {
      const item = document.createElement('li');
      item.textContent = `${attribute}: cache ${cache}, table ${table}`;
      return item;
    }),
  );
});

function showEntry({ key, value, lives, guard, error }) {
  element('entry').hidden = false;
  element('entry-key').textContent = key;
  element('entry-value').textContent = error ?? value ?? 'not cached';
  element('entry-lives').textContent = lives === undefined ? '–' : `${lives} more`;
  element('entry-guard').textContent =
    guard.length === 0 ? 'none: nothing happened to it lately' : guard.join('; ');
}

/* All of it, live */

const events = new EventSource('events');
events.addEventListener('message', ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === 'records') addRecords(message.records);
  else {
    show(message);
    draw(message);
  }
});
events.addEventListener('error', () => setStatus('stream-cache dev does not answer: has it ended?'));
show(await act('state'));
