/** Every benchmark, in the order in which the whole suite runs them. */

import { api } from './api/api.ts';
import type { Benchmark } from './benchmark.ts';
import { candles } from './candles/candles.ts';
import { check } from './check/check.ts';
import { checkNow } from './check-now/check-now.ts';
import { cost } from './cost/cost.ts';
import { cycle } from './cycle/cycle.ts';
import { indicators } from './indicators/indicators.ts';
import { limiter } from './limiter/limiter.ts';
import { queue } from './queue/queue.ts';
import { soak } from './soak/soak.ts';
import { views } from './views/views.ts';

export const benchmarks: readonly Benchmark[] = [
	cycle,
	check,
	queue,
	limiter,
	candles,
	indicators,
	api,
	views,
	checkNow,
	cost,
	soak,
];
