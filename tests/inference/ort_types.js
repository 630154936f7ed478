#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';
const USAGE = `ort_types.js LIST FOLDER

LIST: lines NAME<tab>PATH. Has ONNX Runtime load each model without optimizing it and save what it then
holds, with the type it inferred for every value, as FOLDER/NAME.onnx. Models that it refuses have no
file there. The last line tells how many there are.`;

const fs = require('fs');
const path = require('path');
const ort = require(path.join(__dirname, '..', 'ort', 'node_modules', 'onnxruntime-node'));

async function main() {
  const [list, folder] = process.argv.slice(2);
  if (!folder) {
    console.error(USAGE);
    process.exit(2);
  }
  const models = fs.readFileSync(list, 'utf8').split('\n').filter(Boolean).map((line) => line.split('\t'));
  let saved = 0;
  for (const [name, model] of models) {
    try {
      const session = await ort.InferenceSession.create(model, {
        graphOptimizationLevel: 'disabled',
        optimizedModelFilePath: path.join(folder, `${name}.onnx`),
        logSeverityLevel: 4,
        intraOpNumThreads: 1,
      });
      await session.release();
      saved += 1;
    } catch (error) {
      fs.rmSync(path.join(folder, `${name}.onnx`), { force: true });
    }
  }
  console.log(`ONNX Runtime loads ${saved} of ${models.length} models`);
}

main();
