// SPDX-License-Identifier: Apache-2.0
// What the programs of tests/bench that measure a model in several parts have in common: options, the loop over parts
// and models, what is printed, the exit status.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const models = require('./models.js');
const tables = require('./tables.js');

// A program derives its own from this, with a method for each part: (model) => rows of its table.
class Bench {
  constructor(options, folder) {
    this.options = options;
    this.folder = folder;
    this.rows = {};
    this.failed = 0;
  }

  // The model that a job makes, made once; `args`: of the job, without OUT.
  made(name, ...args) {
    const file = path.join(this.folder, `${name}.onnx`);
    if (!fs.existsSync(file)) models.run(['-q', ...args, file]);
    return file;
  }
}

function parse({ usage, parts, options, read }) {
  const flag = { type: 'boolean', default: false }, names = Object.keys(parts);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...Object.fromEntries(names.map((part) => [part, flag])),
      ...options,
      keep: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '0.3' },
      cpu: flag, check: flag, json: flag,
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const asked = names.filter((part) => values[part]);
  return {
    ...values, ...(read ? read(values) : {}), parts: asked.length ? asked : names, rounds: Number(values.rounds),
    seconds: Number(values.seconds), names: positionals,
  };
}

async function measure(bench, part, table, list) {
  const rows = bench.rows[part];
  const shown = bench.options.json ? null : tables.growing(table, list.map(({ name }) => name));
  for (const model of list)
    try {
      for (const row of await bench[part](model)) {
        rows.push(row);
        if (shown) shown.add(row);
      }
    } catch (error) {
      bench.failed++;
      console.error(`FAILED  ${model.name}: ${models.reason(error)}`);
    }
  if (shown) shown.end();
}

// Gives the exit status. `program`:
//   name, usage
//   parts      { NAME: its table, as tables.js has them }, in order; each is an option --NAME
//   options    its others, as parseArgs has them; read(values): those that are no text
//   modelsOf   (part, list): the models of the list that a part is measured on
//   Bench      see above
//   barsOf     (rows by part, cpu): a list of bars
async function run(program) {
  let options;
  try {
    options = parse(program);
  } catch (error) {
    console.error(`${program.name}: ${error.message}\n\n${program.usage}`);
    return 2;
  }
  const folder = options.keep || fs.mkdtempSync(path.join(os.tmpdir(), `c2s-${program.name}-`));
  fs.mkdirSync(folder, { recursive: true });
  const bench = new program.Bench(options, folder);
  for (const part of Object.keys(program.parts)) bench.rows[part] = [];
  try {
    const list = models.chosen(options.names);
    for (const part of options.parts) await measure(bench, part, program.parts[part], program.modelsOf(part, list));
  } finally {
    if (!options.keep) fs.rmSync(folder, { recursive: true });
  }
  const bars = program.barsOf(bench.rows, options.cpu);
  if (options.json) console.log(JSON.stringify({ ...bench.rows, bars }, null, 2));
  else if (bars.length) tables.printBars(bars);
  return bench.failed ? 1 : options.check && bars.some(({ met }) => !met) ? 3 : 0;
}

module.exports = { Bench, run };
