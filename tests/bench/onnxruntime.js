// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime as the programs of tests/bench measure it: with all of its optimizations, unless told otherwise.
// As a program: onnxruntime.js THREADS WARM MODEL SHAPES [FOLDER] prints what a session costs, in the
// words of bench_session.c; SHAPES is JSON, a list of { name, dims } of the inputs.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { median } = require('./tables.js');

const ORT = path.resolve(__dirname, '..', 'ort');
const LATER_RUNS = 9;
const PROFILED_RUNS = 100;

function open(file, threads, optimizations = 'all', further = {}) {
  const ort = require(require.resolve('onnxruntime-node', { paths: [ORT] }));
  return ort.InferenceSession.create(file, {
    graphOptimizationLevel: optimizations, intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3, ...further,
  });
}

// Writes the model as ONNX Runtime's own optimizer leaves it.
async function optimize(file, to, level) {
  const ort = require(require.resolve('onnxruntime-node', { paths: [ORT] }));
  const session = await ort.InferenceSession.create(file, { graphOptimizationLevel: level, optimizedModelFilePath: to, logSeverityLevel: 3 });
  await session.release();
}

// The inputs stored in `folder`, or random ones with the given shapes.
function feedsOf(session, shapes, folder) {
  const { fromFolder, random } = require(path.join(ORT, 'inputs.js'));
  if (folder) return fromFolder(folder, session.inputMetadata);
  const metadata = session.inputMetadata.map((input) => ({ ...input }));
  for (const input of metadata) {
    const shape = shapes.find(({ name }) => name === input.name);
    if (shape) input.shape = shape.dims;
  }
  const feeds = random(metadata, 1, {});
  for (const { data } of Object.values(feeds)) // 0 and 1 are indices into everything
    if (!(data instanceof Float32Array) && !(data instanceof Uint16Array))
      for (let i = 0; i < data.length; i++) data[i] = typeof data[i] === 'bigint' ? data[i] & 1n : data[i] & 1;
  return feeds;
}

// Milliseconds of runs for so long; at least 10 of them, 3 if they are slow.
async function times(session, feeds, seconds, cpu) {
  const found = [];
  const now = () => Number(process.hrtime.bigint()) / 1e9;
  const start = now();
  while (now() - start < seconds || found.length < (now() - start < 10 * seconds ? 10 : 3)) {
    const before = now(), worked = process.cpuUsage();
    await session.run(feeds);
    const { user, system } = process.cpuUsage(worked);
    found.push(cpu ? (user + system) / 1e3 : (now() - before) * 1e3);
  }
  return found;
}

// Latency of `after` / `before`, two forms of a model that take turns on one thread. `ratio` is the median of the rounds,
// `least` that of the fastest round of each, which other programs disturb less; `before`: milliseconds of the fastest.
// `options`: rounds, seconds of each, cpu.
async function turns(before, after, shapes, folder, level, options) {
  const rounds = [];
  const sessions = [await open(before, 1, level), await open(after, 1, level)];
  try {
    // Initializers that were inputs are inputs no more: each session gets what it asks for.
    const feeds = sessions.map((session) => feedsOf(session, shapes, folder));
    for (const k of [0, 1]) await sessions[k].run(feeds[k]);
    for (let round = 0; round < options.rounds; round++) {
      const found = [];
      for (const k of [0, 1]) found.push(median(await times(sessions[k], feeds[k], options.seconds, options.cpu)));
      rounds.push(found);
    }
  } finally {
    for (const session of sessions) await session.release();
  }
  const fastest = [0, 1].map((k) => Math.min(...rounds.map((found) => found[k])));
  return { ratio: median(rounds.map(([a, b]) => b / a)), least: fastest[1] / fastest[0], before: fastest[0] };
}

const ratio = async (...args) => (await turns(...args)).ratio;

// { operator: { time, nodes } } of the kernels of a model, by ONNX Runtime's own profile: of each node's times the lower
// quartile, in microseconds, added up. A node's includes what the profile takes itself, which is more than a small node does.
async function kernelTimes(file, level) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'c2s-profile-'));
  try {
    const session = await open(file, 1, level, { enableProfiling: true, profileFilePrefix: path.join(scratch, 'profile') });
    const feeds = feedsOf(session, [], null);
    for (let k = 0; k < PROFILED_RUNS; k++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const nodes = {}, operators = {};
    for (const { cat, name, dur, args } of JSON.parse(fs.readFileSync(path.join(scratch, fs.readdirSync(scratch)[0]))))
      if (cat === 'Node' && name.endsWith('_kernel_time'))
        (nodes[`${args.node_index} ${name}`] ??= { operator: args.op_name, times: [] }).times.push(dur);
    for (const { operator, times } of Object.values(nodes)) {
      const all = (operators[operator] ??= { time: 0, nodes: 0 });
      all.time += times.sort((a, b) => a - b)[times.length >> 2];
      all.nodes++;
    }
    return operators;
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

function peakMemory() {
  return 1024 * Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
}

async function main(threads, warm, file, shapes, folder) {
  const first = await open(warm, threads);
  await first.run(feedsOf(first, [], null));
  const before = peakMemory();
  const costs = { processor_ms: 0 };
  const clock = async (name, action) => {
    const start = process.hrtime.bigint(), worked = process.cpuUsage();
    const result = await action();
    const { user, system } = process.cpuUsage(worked);
    costs[name] = Number(process.hrtime.bigint() - start) / 1e6;
    costs.processor_ms += (user + system) / 1e3;
    return result;
  };
  const session = await clock('open_ms', () => open(file, threads));
  const feeds = feedsOf(session, shapes, folder);
  await clock('first_ms', () => session.run(feeds));
  for (let k = 0; k < LATER_RUNS; k++) await session.run(feeds);
  costs.memory_bytes = peakMemory() - before;
  console.log(JSON.stringify(costs));
}

module.exports = { open, optimize, feedsOf, times, turns, ratio, kernelTimes };

if (require.main === module) {
  const [threads, warm, file, shapes, folder] = process.argv.slice(2);
  main(Number(threads), warm, file, JSON.parse(shapes), folder).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
