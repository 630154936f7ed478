// SPDX-License-Identifier: Apache-2.0
// fused.js LIST: for each line MODEL <tab> OUT, ONNX Runtime loads MODEL and saves what its fusions made of it to OUT.
// Its layout changes are left out: they give tensors other names.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

async function main() {
  for (const line of fs.readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
    const [model, out] = line.split('\t');
    const session = await ort.InferenceSession.create(model, {
      graphOptimizationLevel: 'extended', optimizedModelFilePath: out, intraOpNumThreads: 1, logSeverityLevel: 3,
    });
    await session.release();
  }
}

main().catch((error) => { console.error(String(error)); process.exitCode = 1; });
