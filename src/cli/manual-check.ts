/** Check now, from the command line: the request goes to a worker, the answer is the check's own row. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/functions/define.ts';
import type { Jobs } from '../database/jobs.ts';
import { listView, type ViewRow } from '../database/listing.ts';
import { BotboxError } from '../errors.ts';
import { printFacts, printTable } from './output.ts';
import { describeRegime } from './regimes.ts';

const answerWithinMs = 10_000;
const lookEveryMs = 50;

export async function awaitManualCheck(db: Queryable, jobs: Jobs, botId: number, isDryRun: boolean): Promise<ViewRow> {
	const requestedAt = new Date().toISOString();
	await jobs.requestCheck({ botId, requestedAt, isDryRun });
	const deadline = Date.now() + answerWithinMs;
	while (Date.now() < deadline) {
		const [check] = await listView(db, 'checks', {
			where: { bot_id: botId, kind: 'MANUAL', due_at: requestedAt },
			limit: 1,
		});
		if (check !== undefined) return check;
		await sleep(lookEveryMs);
	}
	throw new BotboxError(
		'CHECK_TIMEOUT',
		`no worker answered within ${answerWithinMs / 1_000} s: is one running with the role check?`,
	);
}

interface FactorRow {
	readonly [column: string]: string | number | null;
	readonly name: string;
	readonly value: number | null;
	readonly score: number | null;
	readonly weight: number;
	readonly contribution: number | null;
}

/** `regime`: the one at the check's candle, with its figures; null where none was recorded. */
export function printCheck(check: ViewRow, regime: ViewRow | null): void {
	printFacts({
		bot: check.bot,
		candle: check.candle_at,
		price: check.price,
		data_age_ms: check.data_age_ms,
		regime: describeRegime(regimeOf(check, regime)),
		score: check.score,
		decision: check.decision,
		outcome: check.outcome,
		reason: `${check.reason_code}: ${check.reason}`,
		repeated: check.is_repeated ? 'yes: nothing had changed since the check before' : 'no',
		error: check.error,
		signal: check.signal_id,
		trade: check.trade_id,
	});
	printFactors(check.factors);
}

/** What a check or a signal itself says of the regime, with the figures that were recorded for its candle. */
export function regimeOf(row: ViewRow, recorded: ViewRow | null): ViewRow | null {
	const { regime_direction: direction, regime_volatility: volatility } = row;
	if (direction === null || direction === undefined) return null;
	return { adx: null, ...recorded, direction, volatility: volatility ?? null };
}

/** The factor table of a check or a signal. */
export function printFactors(recorded: unknown): void {
	const factors = (recorded as readonly FactorRow[] | null) ?? [];
	process.stdout.write('\n');
	printTable(factors, ['name', 'value', 'score', 'weight', 'contribution']);
}
