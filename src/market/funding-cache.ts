/** Funding rates that a worker has loaded: settled a few times a day, so read from the database once a minute at most. */
import type { Queryable } from '../database/functions/define.ts';
import { loadFundingRates } from '../database/functions/market.ts';
import type { FundingRates } from '../strategies/strategy.ts';

interface Entry {
	readonly loadedAt: number;
	readonly rates: FundingRates | null;
}

const lifeMs = 60_000;

export class FundingCache {
	readonly #entries = new Map<number, Entry>();

	/** By instrument; null where none is known. The same object as long as nothing was settled. */
	async load(
		db: Queryable,
		instrumentIds: readonly number[],
		now?: Date,
	): Promise<ReadonlyMap<number, FundingRates | null>> {
		const at = (now ?? new Date()).getTime();
		const wanted = [...new Set(instrumentIds)];
		const stale = wanted.filter((id) => {
			const entry = this.#entries.get(id);
			return entry === undefined || Math.abs(at - entry.loadedAt) >= lifeMs;
		});
		if (stale.length > 0) {
			const rows = await loadFundingRates(db, { instrumentIds: stale, now });
			const byId = new Map(rows.map((row) => [row.instrumentId, row]));
			for (const id of stale) {
				const row = byId.get(id);
				const rates =
					row === undefined ? null : { fundingAt: Float64Array.from(row.fundingAt), rate: Float64Array.from(row.rate) };
				this.#entries.set(id, { loadedAt: at, rates: keepIfSame(this.#entries.get(id)?.rates ?? null, rates) });
			}
		}
		return new Map(wanted.map((id) => [id, this.#entries.get(id)?.rates ?? null]));
	}
}

/** Views are shared by the identity of their parts. */
function keepIfSame(before: FundingRates | null, now: FundingRates | null): FundingRates | null {
	if (before === null || now === null || before.rate.length !== now.rate.length) return now;
	const isSame = now.rate.every((rate, index) => {
		return rate === before.rate[index] && now.fundingAt[index] === before.fundingAt[index];
	});
	return isSame ? before : now;
}
