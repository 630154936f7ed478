#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// stored_shapes.js MODEL: the options that freeze the model to the shapes of its stored inputs
// (test_data_set_ort beside it): --shape NAME=DIMS, one word a line; nothing if there are none.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');
const { readTensorFile } = require('./tensor_pb.js');

async function main() {
  const model = process.argv[2];
  const set = path.join(path.dirname(model), 'test_data_set_ort');
  if (!fs.existsSync(set)) return;
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  session.inputNames.forEach((name, k) => {
    const file = path.join(set, `input_${k}.pb`);
    if (!fs.existsSync(file)) return;
    const { dims } = readTensorFile(file).tensor;
    const { shape } = session.inputMetadata[k]; // a scalar may be stored with one axis
    if (shape.length === dims.length) console.log(`--shape\n${name}=${dims.join(',')}`);
  });
  await session.release();
}

main();
