#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';
// run.js JOBS RESULTS: runs models in ONNX Runtime, each line of the file JOBS being
//
//   ID <tab> LEVEL <tab> MODEL <tab> PREFIX { <tab> INPUT <tab> FILE.pb }
//
// with LEVEL the graph optimizations (disabled, basic, extended, all). Output k goes to PREFIXk.pb,
// and to RESULTS a line: ID <tab> ok, or ID <tab> load, run or crash <tab> the message. Two processes
// share the work; one that a model takes down is replaced, and the model's result is `crash`.
const fs = require('fs');
const { fork } = require('child_process');

const PROCESSES = 2;

async function run(line) {
  const ort = require('onnxruntime-node');
  const { readTensorFile, writeTensorFile } = require('./tensor_pb.js');
  const [, level, model, prefix, ...inputs] = line.split('\t');
  let stage = 'load';
  try {
    const session = await ort.InferenceSession.create(model, {
      graphOptimizationLevel: level, intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4,
    });
    stage = 'run';
    const feeds = {};
    for (let i = 0; i < inputs.length; i += 2) feeds[inputs[i]] = readTensorFile(inputs[i + 1]).tensor;
    const found = await session.run(feeds);
    session.outputNames.forEach((name, k) => writeTensorFile(`${prefix}${k}.pb`, found[name]));
    await session.release();
    return 'ok';
  } catch (error) {
    return `${stage}\t${error.message.replace(/\s+/g, ' ')}`;
  }
}

function serve() {
  process.on('message', async (line) => process.send(await run(line)));
  process.on('disconnect', () => process.exit(0));
}

// A process that runs one line after the other.
function work(lines, results) {
  return new Promise((resolve) => {
    const child = fork(__filename, ['--serve']);
    let current;
    const next = () => {
      current = lines.shift();
      if (current === undefined) child.disconnect();
      else child.send(current);
    };
    child.on('message', (result) => {
      results.push(`${current.split('\t', 1)[0]}\t${result}\n`);
      next();
    });
    child.on('exit', (code, signal) => {
      if (current === undefined) return resolve();
      results.push(`${current.split('\t', 1)[0]}\tcrash\t${signal || `exit status ${code}`}\n`);
      return resolve(work(lines, results));
    });
    next();
  });
}

async function main() {
  const [jobs, out] = process.argv.slice(2);
  const lines = fs.readFileSync(jobs, 'utf8').split('\n').filter(Boolean);
  const results = [];
  await Promise.all(Array.from({ length: PROCESSES }, () => work(lines, results)));
  fs.writeFileSync(out, results.join(''));
}

if (process.argv[2] === '--serve') serve();
else main();
