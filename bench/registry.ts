/** Every benchmark, in the order in which the whole suite runs them. */
import type { Benchmark } from './benchmark.ts';
import { checkNow } from './check-now/check-now.ts';
import { cycle } from './cycle/cycle.ts';
import { limiter } from './limiter/limiter.ts';
import { queue } from './queue/queue.ts';
import { views } from './views/views.ts';

export const benchmarks: readonly Benchmark[] = [cycle, queue, limiter, views, checkNow];
