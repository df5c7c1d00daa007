/** Every benchmark, in the order in which the whole suite runs them. */
import type { Benchmark } from './benchmark.ts';
import { cycle } from './cycle/cycle.ts';
import { limiter } from './limiter/limiter.ts';

export const benchmarks: readonly Benchmark[] = [cycle, limiter];
