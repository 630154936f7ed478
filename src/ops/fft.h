/* SPDX-License-Identifier: Apache-2.0
 *
 * The discrete Fourier transform of any length in O(n log n): Cooley-Tukey for powers of two,
 * Bluestein's chirp convolution for other lengths.
 */
#ifndef C2S_OPS_FFT_H
#define C2S_OPS_FFT_H

#include "base/status.h"

/* Prepared for one length and direction; one thread at a time. */
typedef struct c2s_fft {
    size_t length;
    size_t padded;  /* the power of two that is transformed: length, or at least 2 * length - 1 */
    double *root;   /* padded / 2 complex numbers exp(-2 pi i k / padded) */
    double *chirp;  /* length complex numbers exp(-+ pi i k^2 / length); NULL for powers of two */
    double *filter; /* transform of the conjugate chirp */
    double *work;   /* padded complex numbers */
    bool inverse;
} c2s_fft;

/* c2s_fft_free also after failure. */
c2s_status c2s_fft_prepare(size_t length, bool inverse, c2s_fft *fft);
void c2s_fft_free(c2s_fft *fft);

/* In place: X[k] = sum over n of x[n] exp(-2 pi i n k / length), with + for the inverse, which is
 * not scaled. `line` holds `length` complex numbers, real and imaginary part in turn. */
void c2s_fft_run(c2s_fft *fft, double *line);

#endif
