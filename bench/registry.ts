/** Every benchmark, in the order in which the whole suite runs them. */
import type { Benchmark } from './benchmark.ts';
import { cycle } from './cycle/cycle.ts';

export const benchmarks: readonly Benchmark[] = [cycle];
