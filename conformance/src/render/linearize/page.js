'use strict';
(() => {
const $ = id => document.getElementById(id);
const all = JSON.parse($('data').textContent);
const canvas = $('canvas'), ctx = canvas.getContext('2d'), tip = $('tip');
const LEFT = 84, TOP = 22;
let ROW = 22, h, view, css, queued = false;

/* Columns come as differences; here they become places. */
function open(raw) {
  const n = raw.client.length, h = {raw, n};
  h.client = Int32Array.from(raw.client);
  h.call = new Float64Array(n); h.ret = new Float64Array(n); h.point = new Float64Array(n);
  h.callLine = new Float64Array(n); h.retLine = new Float64Array(n);
  let at = 0, line = 0;
  for (let i = 0; i < n; i++) {
    h.call[i] = at += raw.call[i];
    h.ret[i] = raw.took[i] < 0 ? Infinity : at + raw.took[i];
    h.callLine[i] = line += raw.line[i];
    h.retLine[i] = raw.until[i] < 0 ? 0 : line + raw.until[i];
    h.point[i] = raw.point[i] === null ? NaN : at + raw.point[i];
  }
  h.first = n ? h.call[0] : 0; h.last = h.first + 1;
  for (let i = 0; i < n; i++) {
    h.last = Math.max(h.last, h.call[i] + 1, h.ret[i] === Infinity ? 0 : h.ret[i] + 1);
  }
  /* Times of events, where the file has them: a rising line of (event, time). */
  h.timed = raw.time !== null;
  if (h.timed) {
    const known = [];
    for (let i = 0; i < n; i++) {
      if (raw.time[i] !== null) known.push([h.call[i], raw.time[i]]);
      if (raw.done[i] !== null && h.ret[i] !== Infinity) known.push([h.ret[i], raw.done[i]]);
    }
    known.sort((a, b) => a[0] - b[0]);
    let most = -Infinity;
    for (const k of known) k[1] = most = Math.max(most, k[1]);
    h.timed = known.length > 1 && known[0][1] < most;
    h.known = known;
  }
  h.bad = new Map();
  raw.conflict.forEach((c, i) => h.bad.set(c.op, i));
  /* The third axis gives every event of the conflict the same room, and what
     happened between two of them the room between. */
  const events = [];
  for (const i of h.bad.keys()) { events.push(h.call[i]); if (h.ret[i] !== Infinity) events.push(h.ret[i]); }
  events.sort((a, b) => a - b);
  h.marks = [...new Set(events)].map((event, i) => [event, i]);
  h.axes = ['order'].concat(h.timed ? ['time'] : [], h.marks.length > 1 ? ['conflict'] : []);
  h.text = i => raw.texts[raw.text[i]];
  h.hit = new Uint8Array(n); h.hits = [];
  return h;
}

/* Where an event stands on a rising line of (event, place); beyond its ends an
   event is so much. */
function along(known, event, slope) {
  let low = 0, high = known.length - 1;
  if (event <= known[0][0]) return known[0][1] + (event - known[0][0]) * slope;
  if (event >= known[high][0]) return known[high][1] + (event - known[high][0]) * slope;
  while (high - low > 1) { const mid = (low + high) >> 1; if (known[mid][0] <= event) low = mid; else high = mid; }
  const [a, b] = [known[low], known[high]];
  return b[0] === a[0] ? a[1] : a[1] + (b[1] - a[1]) * (event - a[0]) / (b[0] - a[0]);
}
const place = event => view.axis === 'time' ? along(h.known, event, 1e-9)
  : view.axis === 'conflict' ? along(h.marks, event, h.marks.length / (h.last - h.first)) : event;

/* The lanes: clients in the conflict first, then the others; only those that
   have something to show. */
function lanes() {
  const rows = new Map();
  for (let i = 0; i < h.n; i++) {
    if (view.part >= 0 && h.raw.part[i] !== view.part) continue;
    let row = rows.get(h.client[i]);
    if (!row) rows.set(h.client[i], row = {client: h.client[i], ops: [], bad: false});
    row.ops.push(i);
    if (h.bad.has(i)) row.bad = true;
  }
  const list = [...rows.values()];
  const names = new Intl.Collator(undefined, {numeric: true});
  list.sort((a, b) => (b.bad - a.bad) || names.compare(h.raw.clients[a.client], h.raw.clients[b.client]) || a.client - b.client);
  list.forEach((row, i) => { row.at = i; });
  view.rows = list; view.rowOf = rows;
  for (const row of list) {
    row.from = Float64Array.from(row.ops, i => place(h.call[i]));
    /* Ends so far, for finding the first bar that is visible. */
    let most = -Infinity;
    row.until = Float64Array.from(row.ops, i => most = Math.max(most, h.ret[i] === Infinity ? Infinity : place(h.ret[i])));
  }
  view.low = place(h.first); view.high = place(h.last);
  if (!(view.high > view.low)) view.high = view.low + 1;
}

const width = () => canvas.clientWidth - LEFT, height = () => canvas.clientHeight - TOP;
const x = p => LEFT + (p - view.left) * view.scale;
const maxTop = () => Math.max(0, view.rows.length * ROW - height() + 6);

function clamp() {
  ROW = Math.max(20, Math.min(34, Math.floor(height() / Math.max(1, view.rows.length))));
  const span = view.high - view.low, w = Math.max(50, width());
  const least = w / (span * 1.04), most = view.axis === 'order' ? 240 : least * 1e7;
  view.scale = Math.min(Math.max(view.scale, Math.min(least, most)), Math.max(most, least));
  const slack = span * 0.02 + 40 / view.scale;
  view.left = Math.max(view.low - slack, Math.min(view.left, view.high + slack - w / view.scale));
  if (w / view.scale >= span + 2 * slack) view.left = view.low - (w / view.scale - span) / 2;
  view.top = Math.max(0, Math.min(view.top, maxTop()));
}
function draw() { if (!queued) { queued = true; requestAnimationFrame(paint); } }

function firstVisible(row, p) {
  let low = 0, high = row.until.length;
  while (low < high) { const mid = (low + high) >> 1; if (row.until[mid] < p) low = mid + 1; else high = mid; }
  return low;
}

function paint() {
  queued = false;
  const ratio = devicePixelRatio || 1, w = canvas.clientWidth, t = canvas.clientHeight;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(t * ratio)) {
    canvas.width = Math.round(w * ratio); canvas.height = Math.round(t * ratio);
  }
  clamp();
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.fillStyle = css.bg; ctx.fillRect(0, 0, w, t);
  const right = view.left + width() / view.scale;
  const begin = Math.floor(view.top / ROW), end = Math.min(view.rows.length, Math.ceil((view.top + height()) / ROW));
  ctx.save();
  ctx.beginPath(); ctx.rect(0, TOP, w, t - TOP); ctx.clip();
  for (let r = begin; r < end; r++) if (r % 2 === 0) { ctx.fillStyle = css.lane; ctx.fillRect(0, TOP + r * ROW - view.top, w, ROW); }
  ctx.restore();
  axis(w, t, right);
  ctx.save();
  ctx.beginPath(); ctx.rect(LEFT, TOP, w - LEFT, t - TOP); ctx.clip();
  const colour = [css.read, css.write, css.other];
  ctx.font = '12px system-ui,sans-serif'; ctx.textBaseline = 'middle';
  for (let r = begin; r < end; r++) {
    const row = view.rows[r], y = TOP + r * ROW - view.top + 3, tall = ROW - 6;
    let drawn = -1;
    for (let k = firstVisible(row, view.left); k < row.ops.length && row.from[k] <= right; k++) {
      const i = row.ops[k], bad = h.bad.has(i), open = h.ret[i] === Infinity;
      const a = x(row.from[k]), b = open ? w + 60 : x(place(h.ret[i]));
      const plain = !bad && !h.hit[i] && i !== view.selected;
      /* What ends within a pixel already drawn cannot be seen. */
      if (plain && b <= drawn) continue;
      drawn = Math.max(a + 1, Math.min(b, w));
      const wide = Math.max(1.5, b - a);
      if (open) {
        const fade = ctx.createLinearGradient(Math.max(a, LEFT), 0, Math.min(b, Math.max(a, LEFT) + 160), 0);
        fade.addColorStop(0, bad ? css.badfill : colour[h.raw.kind[i]]); fade.addColorStop(1, css.lane);
        ctx.fillStyle = fade;
      } else ctx.fillStyle = bad ? css.badfill : colour[h.raw.kind[i]];
      ctx.fillRect(a, y, wide, tall);
      if (h.hit[i]) { ctx.fillStyle = css.hit; ctx.fillRect(a, y + tall - 4, wide, 4); }
      if (bad || i === view.selected) {
        ctx.lineWidth = i === view.selected ? 3 : 2; ctx.strokeStyle = i === view.selected ? css.mark : css.bad;
        ctx.setLineDash(open ? [5, 3] : []); ctx.strokeRect(a + 1, y + 1, Math.max(1, wide - 2), tall - 2); ctx.setLineDash([]);
      } else if (wide > 5) {
        ctx.lineWidth = 1; ctx.strokeStyle = css.line; ctx.strokeRect(a + .5, y + .5, wide - 1, tall - 1);
      }
      if (wide > 26) {
        const from = Math.max(a, LEFT) + 4, room = Math.min(b, w) - from - 3;
        if (room > 16) {
          ctx.save(); ctx.beginPath(); ctx.rect(from, y, room, tall); ctx.clip();
          ctx.fillStyle = css.ink; ctx.fillText(h.text(i).slice(0, 120), from, y + tall / 2 + .5); ctx.restore();
        }
      }
      const point = h.point[i];
      if (point === point && (wide > 7 || bad)) {
        const p = x(place(point));
        ctx.fillStyle = css.point; ctx.beginPath();
        ctx.moveTo(p, y - 2); ctx.lineTo(p + 3.5, y + 2.5); ctx.lineTo(p, y + 7); ctx.lineTo(p - 3.5, y + 2.5); ctx.fill();
        if (wide > 16) { ctx.strokeStyle = css.point; ctx.lineWidth = 1; ctx.beginPath(); ctx.moveTo(p, y + 6); ctx.lineTo(p, y + tall); ctx.stroke(); }
      }
    }
  }
  const s = view.selected;
  if (s >= 0) {
    ctx.strokeStyle = css.mark; ctx.lineWidth = 1; ctx.setLineDash([2, 3]);
    for (const event of [h.call[s], h.ret[s]]) if (event !== Infinity) {
      const p = x(place(event)); ctx.beginPath(); ctx.moveTo(p, TOP); ctx.lineTo(p, t); ctx.stroke();
    }
    ctx.setLineDash([]);
  }
  ctx.restore();
  ctx.save();
  ctx.beginPath(); ctx.rect(0, TOP, LEFT - 4, t - TOP); ctx.clip();
  for (let r = begin; r < end; r++) {
    const row = view.rows[r];
    ctx.fillStyle = row.bad ? css.bad : css.soft; ctx.font = (row.bad ? 'bold ' : '') + '12px system-ui,sans-serif';
    ctx.textAlign = 'right';
    ctx.fillText(h.raw.clients[row.client].slice(0, 14), LEFT - 9, TOP + r * ROW - view.top + ROW / 2);
  }
  ctx.restore(); ctx.textAlign = 'left';
  if (view.rows.length * ROW > height()) {
    const share = height() / (view.rows.length * ROW);
    ctx.fillStyle = css.line; ctx.fillRect(w - 6, TOP + view.top * share, 5, Math.max(18, height() * share));
  }
}

function axis(w, t, right) {
  const raw = 110 / view.scale, power = Math.pow(10, Math.floor(Math.log10(raw)));
  let step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw) || raw;
  if (view.axis === 'order') step = Math.max(1, Math.round(step));
  ctx.font = '11px system-ui,sans-serif'; ctx.textBaseline = 'middle'; ctx.textAlign = 'left';
  ctx.strokeStyle = css.line; ctx.fillStyle = css.soft; ctx.lineWidth = 1;
  const tick = (p, text) => {
    const at = x(p);
    if (at < LEFT || at > w) return;
    ctx.beginPath(); ctx.moveTo(at + .5, TOP - 4); ctx.lineTo(at + .5, t); ctx.stroke();
    ctx.fillText(text, at + 3, TOP / 2);
  };
  if (view.axis === 'conflict') {
    let free = -Infinity;
    for (const [event, p] of h.marks) { const at = x(p); tick(p, at > free ? String(event) : ''); if (at > free) free = at + 50; }
  } else {
    const digits = view.axis === 'time' ? Math.max(0, Math.min(9, -Math.floor(Math.log10(step)))) : 0;
    for (let p = Math.ceil(Math.max(view.left, view.low) / step) * step; p <= Math.min(right, view.high + step); p += step) tick(p, p.toFixed(digits) + (view.axis === 'time' ? ' ' + h.raw.unit : ''));
  }
  ctx.fillText(view.axis === 'time' ? 'time' : 'event', 6, TOP / 2);
}

function under(event) {
  const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  if (px < LEFT || py < TOP) return -1;
  const row = view.rows[Math.floor((py - TOP + view.top) / ROW)];
  if (!row) return -1;
  const p = view.left + (px - LEFT) / view.scale, near = 3 / view.scale;
  let best = -1;
  for (let k = firstVisible(row, p - near); k < row.ops.length && row.from[k] <= p + near; k++) {
    const i = row.ops[k];
    if (h.ret[i] === Infinity || place(h.ret[i]) >= p - near) best = i;
  }
  return best;
}

function show(from, to, row) {
  const w = Math.max(50, width()), span = Math.max(to - from, 1e-12);
  view.scale = w / (span * 1.25); view.left = from - span * .125;
  if (row !== undefined) view.top = Math.max(0, Math.min(row * ROW, maxTop()));
  clamp(); draw();
}
function fit() { view.scale = 0; view.left = view.low; draw(); }
function conflict() {
  const ops = [...h.bad.keys()];
  if (!ops.length) return fit();
  if (view.part >= 0 && h.raw.part[ops[0]] !== view.part) choosePart(h.raw.part[ops[0]]);
  let from = Infinity, to = -Infinity;
  for (const i of ops) {
    from = Math.min(from, place(h.call[i]));
    to = Math.max(to, h.ret[i] === Infinity ? place(h.call[i]) + (view.axis === 'time' ? 0 : 1) : place(h.ret[i]));
  }
  show(from, to, 0);
}
function zoom(factor, px) {
  const at = px === undefined ? LEFT + width() / 2 : px, p = view.left + (at - LEFT) / view.scale;
  view.scale *= factor; clamp(); view.left = p - (at - LEFT) / view.scale; draw();
}
function select(i, move) {
  view.selected = i;
  if (i >= 0 && move) {
    if (view.part >= 0 && h.raw.part[i] !== view.part) choosePart(-1);
    const row = view.rowOf.get(h.client[i]).at, a = place(h.call[i]);
    if ((row + 1) * ROW > view.top + height() || row * ROW < view.top) view.top = row * ROW - height() / 2;
    if (x(a) < LEFT || x(a) > canvas.clientWidth - 60) view.left = a - width() / view.scale / 3;
  }
  side(); draw();
}
function choosePart(part) { view.part = part; $('part').value = String(part); lanes(); draw(); }

function element(name, text, parent) { const e = document.createElement(name); if (text !== undefined) e.textContent = text; if (parent) parent.append(e); return e; }
function side() {
  const box = $('side'), i = view.selected, raw = h.raw;
  box.textContent = '';
  if (i >= 0) {
    element('h2', 'Operation', box);
    const facts = [['what', h.text(i)], ['client', raw.clients[h.client[i]]], ['part', raw.parts[raw.part[i]] || ''],
      ['begins', 'line ' + h.callLine[i] + ', event ' + h.call[i]],
      ['ends', h.ret[i] === Infinity ? (h.retLine[i] ? 'line ' + h.retLine[i] + ': its outcome is unknown' : 'never: its outcome is unknown') : 'line ' + h.retLine[i] + ', event ' + h.ret[i]]];
    if (raw.time && raw.time[i] !== null) facts.push(['time', raw.time[i] + (raw.done[i] === null ? ' ..' : ' .. ' + raw.done[i]) + ' ' + raw.unit]);
    if (raw.order[i] !== null) facts.push(['order', 'number ' + (raw.order[i] + 1) + ' of its part']);
    const list = element('dl', undefined, box);
    for (const [name, value] of facts) { element('dt', name, list); element('dd', value, list); }
  }
  if (raw.why.length) { element('h2', 'Why not', box); element('p', raw.why[0], box); }
  if (raw.conflict.length) {
    element('h2', 'The conflict', box);
    const list = element('ol', undefined, box);
    for (const c of raw.conflict) {
      const item = element('li', undefined, list), button = element('button', h.text(c.op), item);
      if (c.op === i) item.className = 'on';
      element('span', 'client ' + raw.clients[h.client[c.op]] + ', line ' + h.callLine[c.op] + (h.retLine[c.op] ? ' to ' + h.retLine[c.op] : ''), button);
      if (c.why) element('span', c.why, button);
      button.onclick = () => select(c.op, true);
    }
  }
  if (raw.why.length > 1) { element('h2', 'Weaker guarantees', box); raw.why.slice(1).forEach(text => element('p', text, box)); }
  if (i < 0 && !raw.conflict.length) element('p', 'Click an operation to see all that is known of it.', box);
  if (raw.window) { element('h2', 'Drawn', box); element('p', raw.window, box); }
}

function find(text) {
  h.hits = []; h.hit.fill(0);
  const wanted = text.trim().toLowerCase(), line = /^line:(\d+)$/.exec(wanted);
  if (wanted) {
    const lower = h.lower || (h.lower = h.raw.texts.map(t => t.toLowerCase()));
    const names = h.raw.clients.map(c => c.toLowerCase());
    for (let i = 0; i < h.n; i++) {
      const yes = line ? h.callLine[i] === +line[1] || h.retLine[i] === +line[1]
        : lower[h.raw.text[i]].includes(wanted) || names[h.client[i]] === wanted || names[h.client[i]] === wanted.replace(/^client /, '');
      if (yes) { h.hit[i] = 1; h.hits.push(i); }
    }
  }
  view.hit = -1;
  $('found').textContent = wanted ? h.hits.length + ' found' : '';
  draw();
}
function next(by) {
  if (!h.hits.length) return;
  view.hit = ((view.hit < 0 && by < 0 ? 0 : view.hit) + by + h.hits.length) % h.hits.length;
  $('found').textContent = (view.hit + 1) + ' of ' + h.hits.length;
  select(h.hits[view.hit], true);
}
function neighbour(by) {
  if (view.selected < 0) return select(h.bad.size ? [...h.bad.keys()][0] : 0, true);
  const row = view.rowOf.get(h.client[view.selected]), k = row ? row.ops.indexOf(view.selected) + by : -1;
  if (row && k >= 0 && k < row.ops.length) select(row.ops[k], true);
}
function along_axis(name) {
  view.axis = name; $('axis').value = name;
  lanes(); if (h.bad.size) conflict(); else fit();
}
/* Conflicts whose operations are far apart are first shown on the axis that
   brings them together. */
function far() {
  if (!h.axes.includes('conflict')) return false;
  const span = h.marks[h.marks.length - 1][0] - h.marks[0][0];
  let least = span;
  for (const i of h.bad.keys()) if (h.ret[i] !== Infinity) least = Math.min(least, h.ret[i] - h.call[i]);
  return least * width() / (span * 1.25) < 30;
}
function theme() {
  const s = getComputedStyle(document.documentElement); css = {};
  for (const name of ['bg', 'fg', 'soft', 'line', 'lane', 'read', 'write', 'other', 'bad', 'badfill', 'point', 'mark', 'hit', 'ink']) css[name] = s.getPropertyValue('--' + name).trim();
}
function load(index) {
  h = open(all.histories[index]);
  const raw = h.raw;
  view = {left: 0, scale: 0, top: 0, selected: -1, part: -1, axis: 'order', hit: -1, rows: [], rowOf: new Map()};
  $('verdict').textContent = raw.verdict.replace('-', ' '); $('verdict').className = raw.verdict;
  $('path').textContent = raw.path; $('facts').textContent = raw.facts;
  const axes = $('axis'); axes.textContent = '';
  for (const name of h.axes) { const o = element('option', name === 'conflict' ? 'the conflict' : name, axes); o.value = name; }
  $('by').style.display = h.axes.length > 1 ? '' : 'none';
  $('to-conflict').disabled = !h.bad.size;
  const part = $('part'); part.textContent = '';
  const option = (value, text) => { const o = element('option', text, part); o.value = String(value); };
  option(-1, 'all (' + raw.parts.length + ')');
  raw.parts.slice(0, 5000).forEach((name, i) => option(i, name));
  $('only').style.display = raw.parts.length > 1 ? '' : 'none';
  $('find').value = ''; $('found').textContent = '';
  if (h.bad.size) { view.part = raw.part[[...h.bad.keys()][0]]; part.value = String(view.part); }
  lanes();
  if (h.bad.size) { along_axis(far() ? 'conflict' : 'order'); select(raw.shown === null ? -1 : raw.shown, false); } else { fit(); side(); }
}

let drag = null;
canvas.addEventListener('pointerdown', e => { drag = {x: e.clientX, y: e.clientY, left: view.left, top: view.top, moved: false}; canvas.setPointerCapture(e.pointerId); });
canvas.addEventListener('pointermove', e => {
  if (drag) {
    const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
    if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
    if (drag.moved) { view.left = drag.left - dx / view.scale; view.top = drag.top - dy; tip.style.display = 'none'; draw(); }
    return;
  }
  const i = under(e);
  canvas.style.cursor = i < 0 ? 'grab' : 'pointer';
  if (i < 0) { tip.style.display = 'none'; return; }
  const bad = h.bad.get(i), why = bad === undefined ? '' : h.raw.conflict[bad].why;
  tip.textContent = h.text(i) + '\nclient ' + h.raw.clients[h.client[i]] + ', line ' + h.callLine[i] + (h.retLine[i] ? ' to ' + h.retLine[i] : '') + (why ? '\n' + why : '');
  tip.style.display = 'block';
  const box = $('stage').getBoundingClientRect();
  tip.style.left = Math.min(e.clientX - box.left + 12, box.width - tip.offsetWidth - 4) + 'px';
  const below = e.clientY - box.top + 16;
  tip.style.top = (below + tip.offsetHeight > box.height ? e.clientY - box.top - tip.offsetHeight - 8 : below) + 'px';
});
canvas.addEventListener('pointerup', e => { if (drag && !drag.moved) select(under(e), false); drag = null; });
canvas.addEventListener('pointercancel', () => { drag = null; });
canvas.addEventListener('pointerleave', () => { tip.style.display = 'none'; });
canvas.addEventListener('wheel', e => {
  e.preventDefault();
  const unit = e.deltaMode === 1 ? 16 : 1;
  if (e.shiftKey) { view.top += (e.deltaY || e.deltaX) * unit; draw(); }
  else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) { view.left += e.deltaX * unit / view.scale; draw(); }
  else zoom(Math.exp(-e.deltaY * unit * .0022), Math.max(LEFT, e.clientX - canvas.getBoundingClientRect().left));
}, {passive: false});
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.target === $('find')) { if (e.key === 'Enter') { e.preventDefault(); next(e.shiftKey ? -1 : 1); } else if (e.key === 'Escape') { $('find').blur(); canvas.focus(); } return; }
  if (e.target.tagName === 'SELECT') return;
  const step = width() / view.scale * .15;
  const act = {ArrowLeft: () => { view.left -= step; draw(); }, ArrowRight: () => { view.left += step; draw(); },
    ArrowUp: () => { view.top -= 2 * ROW; draw(); }, ArrowDown: () => { view.top += 2 * ROW; draw(); },
    PageUp: () => { view.top -= height(); draw(); }, PageDown: () => { view.top += height(); draw(); },
    Home: () => { view.left = view.low; draw(); }, End: () => { view.left = view.high; draw(); },
    '+': () => zoom(1.4), '=': () => zoom(1.4), '-': () => zoom(1 / 1.4), '0': fit, c: conflict,
    '/': () => $('find').focus(), n: () => next(1), p: () => next(-1), ']': () => neighbour(1), '[': () => neighbour(-1),
    t: () => along_axis(h.axes[(h.axes.indexOf(view.axis) + 1) % h.axes.length]), Escape: () => select(-1, false)}[e.key];
  if (act) { e.preventDefault(); act(); }
});
$('find').addEventListener('input', e => find(e.target.value));
$('part').addEventListener('change', e => choosePart(+e.target.value));
$('which').addEventListener('change', e => load(+e.target.value));
$('to-conflict').onclick = conflict; $('fit').onclick = fit; $('in').onclick = () => zoom(1.4); $('out').onclick = () => zoom(1 / 1.4);
$('axis').addEventListener('change', e => along_axis(e.target.value));
addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { theme(); draw(); });
theme();
all.histories.forEach((one, i) => { const o = element('option', one.path + ': ' + one.verdict.replace('-', ' '), $('which')); o.value = String(i); });
$('pick').style.display = all.histories.length > 1 ? '' : 'none';
load(0);
})();
