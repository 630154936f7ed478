// SPDX-License-Identifier: Apache-2.0
// stored.js FOLDER...: ONNX Runtime on FOLDER/model.onnx and test_data_set_ort/input_k.pb must give
// the stored output_k.pb. This checks the reading of tensors more than the runtime.
'use strict';
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');
const { fromFolder } = require('./inputs.js');
const { readTensorFile } = require('./tensor_pb.js');
const { Comparison } = require('./compare.js');

async function main() {
  let failed = 0;
  let compared = 0;
  for (const folder of process.argv.slice(2)) {
    const set = path.join(folder, 'test_data_set_ort');
    if (!fs.existsSync(set)) continue;
    const session = await ort.InferenceSession.create(path.join(folder, 'model.onnx'), { logSeverityLevel: 3 });
    const found = await session.run(fromFolder(set, session.inputMetadata));
    for (let k = 0; fs.existsSync(path.join(set, `output_${k}.pb`)); k++) {
      const name = session.outputNames[k];
      const comparison = new Comparison();
      comparison.add(readTensorFile(path.join(set, `output_${k}.pb`)).tensor, found[name]);
      const result = comparison.result();
      compared++;
      if (result.ok) continue;
      failed++;
      console.log(`DIFFERS ${path.basename(folder)}: output ${name}: ${result.why}`);
    }
    await session.release();
  }
  console.log(`${compared - failed} of ${compared} stored outputs reproduced`);
  return failed || !compared ? 1 : 0;
}

main().then((status) => { process.exitCode = status; });
