/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue of metrics: C2S_METRIC(ID, "name", "unit", which is better, "how it is computed").
 * A is the reference, B what is judged. Of several outputs the worst counts.
 */
C2S_METRIC(MAX_ABS, "max_abs", "", LOWER, "largest |B - A| of an element")
C2S_METRIC(MEAN_ABS, "mean_abs", "", LOWER, "mean |B - A| of the elements")
C2S_METRIC(MAX_REL, "max_rel", "", LOWER,
           "largest |B - A| over the largest |A| of that output in that sample")
C2S_METRIC(MEAN_REL, "mean_rel", "", LOWER, "sum of |B - A| over sum of |A|")
C2S_METRIC(SQNR, "sqnr", "dB", HIGHER, "10 log10(sum A^2 / sum (B - A)^2) over all samples")
C2S_METRIC(SQNR_SAMPLE, "sqnr_sample", "dB", HIGHER, "the same of the sample where it is least")
C2S_METRIC(PSNR, "psnr", "dB", HIGHER,
           "10 log10((greatest A - least A)^2 / mean (B - A)^2) over all samples")
C2S_METRIC(COSINE, "cosine", "", HIGHER, "sum A B / sqrt(sum A^2 sum B^2) over all samples")
C2S_METRIC(KL, "kl", "nats", LOWER,
           "mean over rows of sum p ln(p / q): p and q are A and B, or their softmax where A is no "
           "distribution")
C2S_METRIC(TOP1_AGREEMENT, "top1_agreement", "%", HIGHER,
           "rows (along the last axis) with the largest element at the same place")
C2S_METRIC(TOP5_AGREEMENT, "top5_agreement", "%", HIGHER,
           "of the five largest elements of a row of A those that are among the five of B")
C2S_METRIC(MISMATCHES, "mismatches", "", LOWER, "elements beyond the tolerance")
C2S_METRIC(OUTPUTS_CHANGED, "outputs_changed", "", LOWER,
           "outputs with other bytes than the baseline's, in any sample")
C2S_METRIC(TEXTS_CHANGED, "texts_changed", "", LOWER,
           "outputs that hold no numbers, such as texts, with other elements in any sample")
C2S_METRIC(TOP1, "top1", "%", HIGHER, "labelled rows whose largest element is at the label")
C2S_METRIC(TOP5, "top5", "%", HIGHER, "labelled rows with the label among the five largest")
C2S_METRIC(CLASS_MEAN, "class_mean", "%", HIGHER, "mean over classes of top1 of the class")
C2S_METRIC(CLASS_WORST, "class_worst", "%", HIGHER, "top1 of the class where it is least")
C2S_METRIC(TOP1_DROP, "top1_drop", "points", LOWER, "top1 of A - top1 of B")
C2S_METRIC(
    TOP1_DROP_ERROR, "top1_drop_error", "points", LOWER,
    "one standard error of top1_drop, from the rows that were gained and lost (McNemar 1947)")
C2S_METRIC(TOP5_DROP, "top5_drop", "points", LOWER, "top5 of A - top5 of B")
C2S_METRIC(CLASS_MEAN_DROP, "class_mean_drop", "points", LOWER, "class_mean of A - class_mean of B")
C2S_METRIC(CLASS_WORST_DROP, "class_worst_drop", "points", LOWER,
           "top1 of A - top1 of B, of the class that loses most")
C2S_METRIC(NOISE_SQNR, "noise_sqnr", "dB", HIGHER,
           "sqnr of a model's outputs on inputs with noise against its own without")
C2S_METRIC(NOISE_AGREEMENT, "noise_agreement", "%", HIGHER,
           "rows whose largest element stays where it was when noise is added to the inputs")
C2S_METRIC(NOISE_TOP1, "noise_top1", "%", HIGHER, "top1 on inputs with noise")
C2S_METRIC(NOISE_TOP1_DROP, "noise_top1_drop", "points", LOWER, "noise_top1 of A - noise_top1 of B")
C2S_METRIC(METRIC, "metric", "", HIGHER, "the last number that --metric-cmd prints")
C2S_METRIC(METRIC_DROP, "metric_drop", "", LOWER,
           "metric of A - metric of B; the other way round with --metric-less")
C2S_METRIC(BYTES, "bytes", "B", LOWER, "size of the model with its external data")
C2S_METRIC(NODES, "nodes", "", LOWER, "nodes of all graphs, bodies included")
C2S_METRIC(PARAMETERS, "parameters", "", LOWER, "elements of constants")
C2S_METRIC(MACS, "macs", "", LOWER, "multiply-accumulates of one inference")
C2S_METRIC(PEAK_ACTIVATION_BYTES, "peak_activation_bytes", "B", LOWER,
           "values of the main graph that are alive at once, at most")
C2S_METRIC(LATENCY, "latency", "ms", LOWER, "median time of a run in the runtime of this program")
C2S_METRIC(PROCESSOR, "processor", "ms", LOWER, "median processor time of a run, of all threads")
