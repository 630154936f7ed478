// SPDX-License-Identifier: Apache-2.0
// Tables of what tests/bench/latency measured, and the bars it is held against.
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

function printLatency(rows) {
  const cells = rows.map((row) => [row.name, row.batch, row.threads, row.ours.toFixed(3), row.ort.toFixed(3), row.ratio.toFixed(2)]);
  cells.push(['geometric mean', rows[0].batch, rows[0].threads, '', '', geometricMean(rows.map(({ ratio }) => ratio)).toFixed(2)]);
  print(['model', 'batch', 'threads', 'ours ms', 'ORT ms', 'ratio'], cells);
}

function printSessions(rows) {
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  print(['model', 'threads', 'created ms', 'ORT ms', 'ratio', 'memory MiB', 'ORT MiB', 'ratio'],
    rows.map((row) => [row.name, row.threads, row.created.ours.toFixed(1), row.created.ort.toFixed(1), row.created.ratio.toFixed(2),
      mib(row.memory.ours), mib(row.memory.ort), row.memory.ratio.toFixed(2)]));
}

function printObserve(rows) {
  const part = (row, key) => (row[key] / row.none_ms).toFixed(2);
  print(['model', 'threads', 'ms', 'five values', 'convolutions', 'all values'],
    rows.map((row) => [row.name, row.threads, row.none_ms.toFixed(3), part(row, 'five_ms'), part(row, 'convolutions_ms'), part(row, 'all_ms')]));
}

function printJob(rows) {
  print(['model', 'job s'], rows.map((row) => [row.name, row.seconds.toFixed(3)]));
}

// ---- bars ----

function worstOf(rows, value) {
  return rows.reduce((worst, row) => (value(row) > value(worst) ? row : worst));
}

// { text, found, where, bar, met } of every bar that something was measured for.
function bars({ latency, sessions, job }) {
  const list = [];
  const add = (text, found, bar, where = '') => list.push({ text, found, bar, where, met: found <= bar });
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

module.exports = { median, geometricMean, print, printLatency, printSessions, printObserve, printJob, bars, printBars };
