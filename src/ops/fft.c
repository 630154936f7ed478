/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/fft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"


static const double pi = 3.14159265358979323846;

/* Forward transform of a power of two in place. */
static void transform(const double *root, double *x, size_t count) {
    for (size_t k = 1, reversed = 0; k < count; k++) {
        size_t bit = count / 2;
        for (; reversed & bit; bit /= 2)
            reversed ^= bit;
        reversed |= bit;
        if (k < reversed) {
            double re = x[2 * k], im = x[2 * k + 1];
            x[2 * k] = x[2 * reversed];
            x[2 * k + 1] = x[2 * reversed + 1];
            x[2 * reversed] = re;
            x[2 * reversed + 1] = im;
        }
    }
    for (size_t half = 1; half < count; half *= 2) {
        size_t step = count / (2 * half);
        for (size_t start = 0; start < count; start += 2 * half) {
            for (size_t k = 0; k < half; k++) {
                const double *w = root + 2 * k * step;
                double *a = x + 2 * (start + k), *b = a + 2 * half;
                double re = w[0] * b[0] - w[1] * b[1], im = w[0] * b[1] + w[1] * b[0];
                b[0] = a[0] - re;
                b[1] = a[1] - im;
                a[0] += re;
                a[1] += im;
            }
        }
    }
}

static void conjugate(double *x, size_t count) {
    for (size_t k = 0; k < count; k++)
        x[2 * k + 1] = -x[2 * k + 1];
}

c2s_status c2s_fft_prepare(size_t length, bool inverse, c2s_fft *fft) {
    *fft = (c2s_fft){.length = length, .padded = 1, .inverse = inverse};
    bool power_of_two = (length & (length - 1)) == 0;
    if (length > SIZE_MAX / 64)
        return c2s_fail(C2S_ERR_MEMORY, "a transform of length %zu is too large", length);
    while (fft->padded < (power_of_two ? length : 2 * length - 1))
        fft->padded *= 2;
    C2S_TRY(c2s_scratch(fft->padded, sizeof *fft->root, &fft->root));
    for (size_t k = 0; k < fft->padded / 2; k++) {
        double angle = -2 * pi * (double)k / (double)fft->padded;
        fft->root[2 * k] = cos(angle);
        fft->root[2 * k + 1] = sin(angle);
    }
    if (power_of_two)
        return C2S_OK;
    C2S_TRY(c2s_scratch(length, 2 * sizeof *fft->chirp, &fft->chirp));
    C2S_TRY(c2s_scratch(fft->padded, 2 * sizeof *fft->filter, &fft->filter));
    C2S_TRY(c2s_scratch(fft->padded, 2 * sizeof *fft->work, &fft->work));
    memset(fft->filter, 0, fft->padded * 2 * sizeof *fft->filter);
    size_t square = 0; /* k^2 modulo 2 * length, kept small so that the angle stays exact */
    for (size_t k = 0; k < length; k++) {
        double angle = -pi * (double)square / (double)length;
        fft->chirp[2 * k] = cos(angle);
        fft->chirp[2 * k + 1] = sin(angle);
        size_t mirror = k ? fft->padded - k : 0;
        fft->filter[2 * k] = fft->filter[2 * mirror] = cos(angle);
        fft->filter[2 * k + 1] = fft->filter[2 * mirror + 1] = -sin(angle);
        square = (square + 2 * k + 1) % (2 * length);
    }
    transform(fft->root, fft->filter, fft->padded);
    return C2S_OK;
}

void c2s_fft_free(c2s_fft *fft) {
    free(fft->root);
    free(fft->chirp);
    free(fft->filter);
    free(fft->work);
    *fft = (c2s_fft){0};
}

static void multiply(double *x, const double *y, size_t count) {
    for (size_t k = 0; k < count; k++) {
        double re = x[2 * k] * y[2 * k] - x[2 * k + 1] * y[2 * k + 1];
        x[2 * k + 1] = x[2 * k] * y[2 * k + 1] + x[2 * k + 1] * y[2 * k];
        x[2 * k] = re;
    }
}

/* The inverse is the conjugate of the transform of the conjugate. */
void c2s_fft_run(c2s_fft *fft, double *line) {
    size_t count = fft->length;
    if (fft->inverse)
        conjugate(line, count);
    if (!fft->chirp) {
        transform(fft->root, line, count);
    } else {
        double *work = fft->work, scale = 1 / (double)fft->padded;
        multiply(line, fft->chirp, count);
        memcpy(work, line, count * 2 * sizeof *work);
        memset(work + 2 * count, 0, (fft->padded - count) * 2 * sizeof *work);
        transform(fft->root, work, fft->padded);
        multiply(work, fft->filter, fft->padded);
        conjugate(work, fft->padded);
        transform(fft->root, work, fft->padded);
        conjugate(work, fft->padded);
        for (size_t k = 0; k < 2 * count; k++)
            line[k] = work[k] * scale;
        multiply(line, fft->chirp, count);
    }
    if (fft->inverse)
        conjugate(line, count);
}
