# SPDX-License-Identifier: Apache-2.0
# lint_truth.py LINT.json MODEL OPTIMIZED: holds what `onnx-c2s lint --json` says of MODEL against OPTIMIZED, the model that
# ONNX Runtime saved after its own fusions. A QuantizeLinear fused if another operator makes its codes; the
# reader of a DequantizeLinear runs on integers if an operator on integers makes its result. Prints how many links were
# predicted to fuse and did, were and did not, were not and did, neither; then one line for each that is wrong.
import json
import sys

import onnx

ON_INTEGERS = {'QGemm', 'MatMulIntegerToFloat', 'MatMulNBits', 'DequantizeLinear'}


def on_integers(node):
    return node.op_type.startswith('QLinear') or node.op_type in ON_INTEGERS


class Truth:
    def __init__(self, model, optimized):
        self.quantized = {node.input[0] for node in optimized.graph.node if node.op_type == 'QuantizeLinear'}
        self.made = {name: node for node in optimized.graph.node for name in node.output}
        self.maker = {name: node for node in model.graph.node for name in node.output}
        self.readers = {}
        for node in model.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def quantizer_fused(self, codes):
        if codes in self.made:
            return self.made[codes].op_type != 'QuantizeLinear'
        # int8 codes that became uint8 have another name, and a clamp in front may be gone
        x = self.maker[codes].input[0]
        clamped = self.maker[x].input[0] if x in self.maker and self.maker[x].op_type in ('Relu', 'Clip') else x
        return x not in self.quantized and clamped not in self.quantized

    def runs_on_integers(self, value):
        """Of the node that makes this value; None: it cannot be told."""
        for _ in range(8):
            if value in self.made:
                return on_integers(self.made[value])
            if value + '_pre_q' in self.made:
                return on_integers(self.made[value + '_pre_q'])
            if value + '_post_dq' in self.made or value + '_q_to_dq' in self.made:
                return True  # a pair was moved to behind it
            readers = self.readers.get(value, [])
            for reader in readers:
                if reader.op_type == 'QuantizeLinear':
                    return self.quantizer_fused(reader.output[0])
            if len(readers) != 1:
                return None
            value = readers[0].output[0]
        return None

    def fused(self, link):
        if link['kind'] == 'quantize':
            return self.quantizer_fused(link['value'])
        if link['partner'] is None:
            return False
        partner = self.maker.get(link['partner_value'])
        if partner is None:
            return None
        if link['partner_value'] in self.made and self.made[link['partner_value']].op_type == 'MatMulNBits':
            return link['value'] == partner.input[1]
        return self.runs_on_integers(link['partner_value'])


def main():
    lint, model, optimized = sys.argv[1:4]
    truth = Truth(onnx.load(model, load_external_data=False), onnx.load(optimized))
    count = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    wrong = []
    for link in json.load(open(lint))['links']:
        fused = truth.fused(link)
        if fused is None:
            continue
        count[link['fuses'], fused] += 1
        if link['fuses'] != fused:
            wrong.append(f"{link['kind']} {link['value']} at {link['partner_type']} {link['partner']}: "
                         f"{'fuses' if link['fuses'] else link['reason']}, but it {'does' if fused else 'does not'}")
    print(count[True, True], count[True, False], count[False, True], count[False, False])
    print('\n'.join(wrong))


main()
