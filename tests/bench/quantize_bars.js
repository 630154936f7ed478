// SPDX-License-Identifier: Apache-2.0
// What tests/bench/quantize is held against.
'use strict';
const fs = require('fs');
const { addBar, worstOf } = require('./tables.js');

// Points of top-1 that may be lost; less than one standard error says nothing.
const MOST_DROP = 0.3, MOST_DROP_INT4 = 1;
// Decibels above those of the best other quantizer, on the same data (per channel, ONNX Runtime's own).
const ABOVE_PEER = 2;
const PEER_SQNR = { 'mlperf-resnet8': 9.7, 'mobilenetv1-050-160-dq': 4.7 };
// int8 / float; what stays in float differs from itself by as much as two measurements do.
const NOISE = 1.03;
const MOST_LATENCY = {
  'mlperf-resnet8': 0.6, 'mobilenetv1-025-128-dq': 0.5, 'mobilenetv1-050-160-dq': 0.5, 'mobilenetv2-tf1-dq': 0.5, mobilenetv2: 0.5, resnet50: 0.5,
};
const MOST_SIZE = 0.3;
const MOST_SECONDS = 10, MOST_BYTES = 500e6, CORES = 2;
const LEAST_LINT = 0.99;

// The bars of latency were set with VNNI; without it products alone take half of their time (docs/targets.md).
function processor() {
  return /\bavx(512)?_vnni\b/.test(fs.readFileSync('/proc/cpuinfo', 'utf8')) ? '' : 'no VNNI here';
}

function barsOf(rows, cpu) {
  const list = [], add = (...bar) => addBar(list, ...bar);
  if (rows.accuracy.length) {
    const row = worstOf(rows.accuracy, ({ drop, error }) => drop - Math.max(MOST_DROP, error));
    add('int8: top-1 lost, or one standard error of it: worst model', row.drop, Math.max(MOST_DROP, row.error), row.name);
    for (const { name, sqnr } of rows.accuracy.filter((one) => PEER_SQNR[one.name]))
      add(`int8: SQNR, ${name}`, sqnr, PEER_SQNR[name] + ABOVE_PEER, '', true);
  }
  if (rows.latency.length) {
    const row = worstOf(rows.latency, ({ ratio }) => ratio);
    add('int8 / float latency: worst model', row.ratio, NOISE, row.name);
    for (const { name, ratio, size } of rows.latency.filter((one) => MOST_LATENCY[one.name])) {
      add(`int8 / float latency: ${name}`, ratio, MOST_LATENCY[name], processor());
      add(`int8 / float bytes: ${name}`, size, MOST_SIZE);
    }
    const large = worstOf(rows.latency, ({ size }) => size);
    add('int8 / float bytes: worst model', large.size, 1.01, large.name);
  }
  if (rows.emulate.length) {
    const row = worstOf(rows.emulate, ({ difference }) => difference);
    add('int8: exact against AVX2, points: worst model', row.difference, MOST_DROP, row.name);
  }
  for (const row of rows.int4.filter(({ method }) => method === 'gptq'))
    add(`4 bits: top-1 lost, ${row.name}`, row.drop, MOST_DROP_INT4);
  if (rows.calibration.length) {
    const [few, many] = rows.calibration;
    add(cpu ? `calibration: processor seconds, ${CORES} cores' worth` : 'calibration: seconds',
      cpu ? many.processor : many.elapsed, cpu ? CORES * MOST_SECONDS : MOST_SECONDS, many.name);
    add('calibration: MB', many.memory / 1e6, MOST_BYTES / 1e6, many.name);
    add(`calibration: memory for ${many.pictures} pictures / for ${few.pictures}`, many.memory / few.memory, 1.1);
  }
  if (rows.lint.length) {
    const sum = (key) => rows.lint.reduce((total, row) => total + row[key], 0);
    add('lint: precision of what fuses', sum('hits') / (sum('hits') + sum('alarms')), LEAST_LINT, '', true);
    add('lint: recall of what fuses', sum('hits') / (sum('hits') + sum('misses')), LEAST_LINT, '', true);
  }
  return list;
}

module.exports = { barsOf };
