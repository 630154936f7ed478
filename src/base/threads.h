/* SPDX-License-Identifier: Apache-2.0
 *
 * How many threads parallel loops take: ours and oneDNN's, which share OpenMP's threads.
 */
#ifndef C2S_BASE_THREADS_H
#define C2S_BASE_THREADS_H

/* For the parallel regions that the calling thread starts from now on: so many threads, but not
 * more than there are processors, since they would only wait for each other. 0: leaves the number
 * as it is. Returns the number before, for c2s_threads_restore. */
unsigned c2s_threads_use(unsigned threads);
void c2s_threads_restore(unsigned before);

#endif
