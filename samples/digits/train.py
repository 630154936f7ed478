#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the sample model: a small CNN that reads handwritten digits.

    samples/digits/train.py [FOLDER]        default: the folder of this script

Trains on the digits that scikit-learn brings along (1,797 pictures of 8x8 pixels, values 0-16) and
writes
    model.onnx   input `image` float32 [batch, 1, 8, 8], output `scores` float32 [batch, 10]
    calib.npz    `image`: 128 pictures of the training part
    test.npz     `image` and `labels` (int64): the 360 pictures that training never saw

The export is left as a training framework leaves it: BatchNormalization, the affine scaling of the
input, the explicit Pad and the shape arithmetic of the flattening are all still nodes of the graph.
Needs Debian's python3-torch and python3-sklearn. The same seed gives the same model on the same machine.
"""
import os
import sys
import warnings

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

SEED = 20
EPOCHS = 30
BATCH = 64


class Residual(nn.Module):
    """y = relu(x + bn(conv(relu(bn(conv(x))))))"""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(y)))


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, bias=False)
        self.stem_bn = nn.BatchNorm2d(16)
        self.block1 = Residual(16)
        self.widen = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.widen_bn = nn.BatchNorm2d(32)
        self.block2 = Residual(32)
        self.dropout = nn.Dropout(0.2)
        self.hidden = nn.Linear(128, 32)
        self.scores = nn.Linear(32, 10)

    def forward(self, image):
        x = (image - 8.0) / 8.0
        x = nn.functional.pad(x, (1, 1, 1, 1))
        x = torch.relu(self.stem_bn(self.stem(x)))
        x = self.block1(x)
        x = nn.functional.max_pool2d(x, 2)
        x = torch.relu(self.widen_bn(self.widen(x)))
        x = self.block2(x)
        x = nn.functional.avg_pool2d(x, 2)
        x = x.view(x.size(0), -1)
        x = self.dropout(torch.relu(self.hidden(x)))
        return self.scores(x)


def train(model, images, labels):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    steps = EPOCHS * ((len(images) + BATCH - 1) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    model.train()
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    digits = load_digits()
    images = digits.images.astype(np.float32).reshape(-1, 1, 8, 8)
    labels = digits.target.astype(np.int64)
    order = np.random.RandomState(SEED).permutation(len(images))
    held_out, kept = order[:360], order[360:]

    model = Digits()
    train(model, torch.from_numpy(images[kept]), torch.from_numpy(labels[kept]))
    with torch.no_grad():
        guess = model(torch.from_numpy(images[held_out])).argmax(1).numpy()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, "
          f"{100 * np.mean(guess == labels[held_out]):.2f} % of the test pictures right")

    warnings.simplefilter("ignore")  # the exporter's remarks on its own constant folding
    # PRESERVE with a model in eval mode: the exporter does not fold BatchNormalization itself.
    torch.onnx.export(model, torch.from_numpy(images[:2]), os.path.join(folder, "model.onnx"),
                      input_names=["image"], output_names=["scores"],
                      dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      opset_version=17)
    np.savez_compressed(os.path.join(folder, "calib.npz"), image=images[kept[:128]])
    np.savez_compressed(os.path.join(folder, "test.npz"), image=images[held_out],
                        labels=labels[held_out])


if __name__ == "__main__":
    main()
