// SPDX-License-Identifier: Apache-2.0
// Tables of what the programs of tests/bench measured, and the bars that this is held against.
'use strict';

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
}

function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function print(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, k) => Math.max(...cells.map((row) => row[k].length)));
  for (const row of cells) console.log(row.map((cell, k) => (k ? cell.padStart(widths[k]) : cell.padEnd(widths[k]))).join('  ').trimEnd());
  console.log('');
}

// Two digits after the point, and nothing for what was not measured.
function point(value) {
  return value === undefined || value === null || Number.isNaN(value) ? '' : value.toFixed(2);
}

// Tables that grow row by row: heads, what a row says, and, if they have that, lines below it and the last row of all.
const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
const share = (row, key) => (row[key] / row.none_ms).toFixed(2);
const LATENCY = {
  latency: {
    head: ['model', 'batch', 'threads', 'ours ms', 'ORT ms', 'ratio'],
    cells: (row) => [row.name, row.batch, row.threads, row.ours.toFixed(3), row.ort.toFixed(3), row.ratio.toFixed(2)],
    last: (rows) => ['geometric mean', rows[0].batch, rows[0].threads, '', '', geometricMean(rows.map(({ ratio }) => ratio)).toFixed(2)],
  },
  sessions: {
    head: ['model', 'threads', 'created ms', 'ORT ms', 'ratio', 'memory MiB', 'ORT MiB', 'ratio'],
    cells: (row) => [row.name, row.threads, row.created.ours.toFixed(1), row.created.ort.toFixed(1), row.created.ratio.toFixed(2),
      mib(row.memory.ours), mib(row.memory.ort), row.memory.ratio.toFixed(2)],
  },
  observe: {
    head: ['model', 'threads', 'ms', 'five values', 'convolutions', 'all values'],
    cells: (row) => [row.name, row.threads, row.none_ms.toFixed(3), share(row, 'five_ms'), share(row, 'convolutions_ms'), share(row, 'all_ms')],
  },
  job: { head: ['model', 'job s'], cells: (row) => [row.name, row.seconds.toFixed(3)] },
};

// Prints rows of such a table as they come; `names`: all that may come.
function growing({ head, cells, below, last }, names) {
  const rows = [];
  const widest = Math.max('geometric mean'.length, ...names.map((name) => name.length));
  const line = (row) => console.log(row.map((cell, k) => (k ? String(cell).padStart(Math.max(head[k].length, 9)) : cell.padEnd(widest))).join('  ').trimEnd());
  return {
    add(row) {
      if (!rows.length) line(head);
      rows.push(row);
      line(cells(row));
      for (const text of below ? below(row) : []) console.log(`    ${text}`);
    },
    end() {
      if (rows.length && last) line(last(rows));
      if (rows.length) console.log('');
    },
  };
}

// ---- bars ----

function worstOf(rows, value) {
  return rows.reduce((worst, row) => (value(row) > value(worst) ? row : worst));
}

// Adds { text, found, where, bar, met } to the list. `bar` is the most that `found` may be, or with `least` the least.
function addBar(list, text, found, bar, where = '', least = false) {
  list.push({ text: `${text}${least ? ' (at least)' : ''}`, found, bar, where, met: least ? found >= bar : found <= bar });
}

// The bars of tests/bench/latency that something was measured for.
function latencyBars({ latency, sessions, job }) {
  const list = [], add = (...bar) => addBar(list, ...bar);
  const groups = new Map();
  for (const row of latency) {
    const key = `batch ${row.batch}, ${row.threads} thread${row.threads > 1 ? 's' : ''}`;
    groups.set(key, [...(groups.get(key) || []), row]);
  }
  for (const [key, rows] of groups) {
    const worst = worstOf(rows, (row) => row.ratio);
    add(`latency, ${key}: geometric mean`, geometricMean(rows.map(({ ratio }) => ratio)), 1.0);
    add(`latency, ${key}: worst model`, worst.ratio, 1.5, worst.name);
    for (const row of rows.filter(({ strict }) => strict)) add(`latency, ${key}: ${row.name}`, row.ratio, 1.0);
  }
  for (const [what, text] of [['memory', 'peak memory: worst model'], ['created', 'session creation: worst model']]) {
    if (!sessions.length) continue;
    const worst = worstOf(sessions, (row) => row[what].ratio);
    add(text, worst[what].ratio, 1.0, `${worst.name}, ${worst.threads} thread${worst.threads > 1 ? 's' : ''}`);
  }
  if (job.length) {
    const worst = worstOf(job, ({ seconds }) => seconds);
    add('default job: median seconds', median(job.map(({ seconds }) => seconds)), 0.3);
    add('default job: most seconds', worst.seconds, 3, worst.name);
  }
  return list;
}

function printBars(list) {
  print(['bar', 'found', 'at most', '', ''], list.map(({ text, found, bar, met, where }) => [text, found.toFixed(2), bar.toFixed(2), met ? 'met' : 'MISSED', where]));
}

module.exports = { LATENCY, median, geometricMean, point, print, growing, worstOf, addBar, latencyBars, printBars };
