/** Funding rates that a worker has loaded: the database is asked once a minute at most, and sends what has changed, a few times a day. */
import type { Queryable } from '../database/functions/define.ts';
import { loadFundingRates } from '../database/functions/market.ts';
import type { FundingRates } from '../strategies/strategy.ts';

interface Entry {
	readonly loadedAt: number;
	readonly rates: FundingRates | null;
	/** The feed's revision of them; null where there is no feed. */
	readonly revision: number | null;
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
			const held = stale.flatMap((id) => this.#heldOf(id));
			const rows = await loadFundingRates(db, { instrumentIds: stale, held, now });
			const told = new Map(rows.map((row) => [row.instrumentId, row]));
			for (const id of stale) {
				const row = told.get(id);
				const before = this.#entries.get(id);
				this.#entries.set(id, {
					loadedAt: at,
					rates: row === undefined ? (before?.rates ?? null) : keepIfSame(before?.rates ?? null, toRates(row)),
					revision: row === undefined ? (before?.revision ?? null) : row.revision,
				});
			}
		}
		return new Map(wanted.map((id) => [id, this.#entries.get(id)?.rates ?? null]));
	}

	/** What the database need not send again, as it takes it. */
	#heldOf(instrumentId: number) {
		const entry = this.#entries.get(instrumentId);
		const lastAt = entry?.rates?.fundingAt.at(-1);
		return lastAt === undefined ? [] : [{ instrument_id: instrumentId, last_at: lastAt, revision: entry?.revision }];
	}
}

function toRates(row: { readonly fundingAt: readonly number[]; readonly rate: readonly number[] }): FundingRates {
	return { fundingAt: Float64Array.from(row.fundingAt), rate: Float64Array.from(row.rate) };
}

/** Views are shared by the identity of their parts. */
function keepIfSame(before: FundingRates | null, now: FundingRates): FundingRates {
	if (before === null || before.rate.length !== now.rate.length) return now;
	const isSame = now.rate.every((rate, index) => {
		return rate === before.rate[index] && now.fundingAt[index] === before.fundingAt[index];
	});
	return isSame ? before : now;
}
