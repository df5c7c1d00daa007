import { describe, expect, test } from 'vitest';
import type { Regime } from '../../src/domain.ts';
import {
	classifyDirection,
	classifyRegime,
	classifyVolatility,
	regimeHistory,
	regimeThresholds,
} from '../../src/market/regime.ts';
import { createMarketView } from '../../src/market/view.ts';
import { randomWalk, slice, windowOf } from './market-windows.ts';

describe('direction', () => {
	test('a trend needs ADX 25 and a slope', () => {
		expect(classifyDirection(24.9, 0.2, null)).toBe('RANGING');
		expect(classifyDirection(25, 0.2, null)).toBe('TRENDING_UP');
		expect(classifyDirection(25, -0.2, null)).toBe('TRENDING_DOWN');
		expect(classifyDirection(40, 0.049, 'RANGING')).toBe('RANGING');
	});

	test('a trend stays until ADX falls below 20 or the slope turns', () => {
		expect(classifyDirection(20, 0.01, 'TRENDING_UP')).toBe('TRENDING_UP');
		expect(classifyDirection(19.9, 0.2, 'TRENDING_UP')).toBe('RANGING');
		expect(classifyDirection(22, -0.01, 'TRENDING_UP')).toBe('RANGING');
		expect(classifyDirection(30, -0.2, 'TRENDING_UP')).toBe('TRENDING_DOWN');
		expect(classifyDirection(20, -0.01, 'TRENDING_DOWN')).toBe('TRENDING_DOWN');
		expect(classifyDirection(20, 0.01, 'TRENDING_DOWN')).toBe('RANGING');
	});
});

test('volatility is entered at 80 and 20 and left at 70 and 30', () => {
	expect(classifyVolatility(79.9, null)).toBe('NORMAL');
	expect(classifyVolatility(80, 'NORMAL')).toBe('HIGH');
	expect(classifyVolatility(70, 'HIGH')).toBe('HIGH');
	expect(classifyVolatility(69.9, 'HIGH')).toBe('NORMAL');
	expect(classifyVolatility(20, 'NORMAL')).toBe('LOW');
	expect(classifyVolatility(30, 'LOW')).toBe('LOW');
	expect(classifyVolatility(30.1, 'LOW')).toBe('NORMAL');
	expect(classifyVolatility(85, 'LOW')).toBe('HIGH');
});

test('is unknown while history is short', () => {
	const walk = randomWalk(1, regimeHistory);
	expect(classifyRegime(createMarketView(slice(walk, 1, regimeHistory), null), null)).toBeNull();
	expect(classifyRegime(createMarketView(walk, null), null)).not.toBeNull();
});

const line = (slope: number) => {
	const close = Array.from({ length: regimeHistory }, (_, index) => 100 + slope * index + (index % 2) * 0.02);
	return windowOf({ close, high: close.map((x) => x + 0.03), low: close.map((x) => x - 0.03) });
};

test('names a rise, a fall and a standstill', () => {
	const direction = (slope: number) => classifyRegime(createMarketView(line(slope), null), null)?.direction;
	expect(direction(0.05)).toBe('TRENDING_UP');
	expect(direction(-0.05)).toBe('TRENDING_DOWN');
	expect(direction(0)).toBe('RANGING');
});

test('hysteresis: the regime of a wandering market changes less often than the bare thresholds would change it', () => {
	const walk = randomWalk(4, regimeHistory + 600);
	const kept: (Regime | null)[] = [null];
	const bare: (Regime | null)[] = [null];
	for (let end = regimeHistory; end <= walk.close.length; end += 1) {
		const view = createMarketView(slice(walk, end - regimeHistory, end), null);
		kept.push(classifyRegime(view, kept.at(-1) ?? null));
		bare.push(classifyRegime(view, null));
	}
	const changesOf = (regimes: readonly (Regime | null)[]) =>
		regimes.filter((regime, index) => index > 0 && JSON.stringify(regime) !== JSON.stringify(regimes[index - 1]))
			.length;
	const changes = changesOf(kept);
	const bareChanges = changesOf(bare);
	expect(changes).toBeGreaterThan(5);
	expect(changes).toBeLessThan(bareChanges);
});

test('thresholds leave room between entering and leaving', () => {
	expect(regimeThresholds.adxTrendEnd).toBeLessThan(regimeThresholds.adxTrend);
	expect(regimeThresholds.highEnd).toBeLessThan(regimeThresholds.high);
	expect(regimeThresholds.lowEnd).toBeGreaterThan(regimeThresholds.low);
});
