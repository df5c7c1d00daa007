/** Every benchmark, in the order in which the whole suite runs them. */
import type { Benchmark } from './benchmark.ts';
import { cycle } from './cycle/cycle.ts';
import { queue } from './queue/queue.ts';

export const benchmarks: readonly Benchmark[] = [cycle, queue];
