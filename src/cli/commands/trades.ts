/** `botbox trades …`: list, approve or reject what waits for a person, and settle by a person's word what the exchange does not answer for. */
import { type Command, InvalidArgumentError } from 'commander';
import { approveTrade, rejectTrade, resolveTrade } from '../../database/functions/trades.ts';
import { listView, type ViewRow } from '../../database/listing.ts';
import type { Pool } from '../../database/pool.ts';
import { BotboxError, UsageError } from '../../errors.ts';
import { assetCode, oneOf, positiveDecimal } from '../arguments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';
import { asUsage } from './bots.ts';

const statuses = ['PENDING', 'EXECUTING', 'EXECUTED', 'EXPIRED', 'CANCELLED', 'FAILED', 'PARKED'] as const;

interface ResolveOptions {
	readonly as: 'filled' | 'not-filled';
	readonly quantity?: string;
	readonly price?: string;
	readonly fee?: string;
	readonly feeAsset?: string;
	readonly exchangeOrderId?: string;
	readonly reason: string;
	readonly json?: boolean;
}

export function registerTrades(program: Command): void {
	const trades = program
		.command('trades')
		.description('list trades, approve or reject those that ask, and resolve those that are PARKED');

	trades
		.command('list')
		.description('list the newest trades')
		.option('--status <status>', 'only with this status', oneOf(...statuses))
		.option('--json', 'print as JSON')
		.action(async (options: { status?: (typeof statuses)[number]; json?: boolean }) => {
			await withDatabase(async (pool) => {
				const where = options.status === undefined ? {} : { status: options.status };
				const rows = await listView(pool, 'trades', { where, orderBy: '-queued_at', limit: 200 });
				if (options.json) return printJson(rows);
				// The id first: it is typed into the next command, and a table leaves it whole on the narrowest terminal.
				printTable(
					rows.map((row): ViewRow => ({ ...row, order: row.order_status ?? null })),
					['trade_id', 'status', 'bot', 'direction', 'quantity', 'symbol', 'order', 'client_order_id', 'reason_code'],
				);
			});
		});

	trades
		.command('waiting')
		.description('list the entries that wait for a person')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listView(pool, 'approvals', { where: { state: 'WAITING' }, orderBy: 'expires_at' });
				if (options.json) return printJson(rows);
				printTable(rows, [
					'trade_id',
					'expires_at',
					'bot',
					'direction',
					'quantity',
					'symbol',
					'signal_price',
					'last_price',
				]);
			});
		});

	trades
		.command('approve <id>')
		.description('let a waiting entry be sent, with the other leg of its pair')
		.option('--reason <text>', 'why', someText)
		.action(async (id: string, { reason }: { reason?: string }) => {
			const tradeId = idOf(id);
			const said = await decide(id, (pool) => approveTrade(pool, { tradeId, reason, actor: actor() }));
			process.stdout.write(`trade ${id} is approved${said > 1 ? ', with the other leg of its pair' : ''}\n`);
		});

	trades
		.command('reject <id>')
		.description('refuse a waiting entry, with the other leg of its pair; its capital is free again')
		.requiredOption('--reason <text>', 'why', someText)
		.action(async (id: string, { reason }: { reason: string }) => {
			const tradeId = idOf(id);
			const said = await decide(id, (pool) => rejectTrade(pool, { tradeId, reason, actor: actor() }));
			process.stdout.write(`trade ${id} is rejected${said > 1 ? ', with the other leg of its pair' : ''}\n`);
		});

	trades
		.command('resolve <id>')
		.description('say what became of the order of a PARKED trade, as the exchange itself shows it')
		.requiredOption('--as <outcome>', 'filled or not-filled', oneOf('filled', 'not-filled'))
		.option('--quantity <quantity>', 'how much was filled', positiveDecimal)
		.option('--price <price>', 'at what average price', positiveDecimal)
		.option('--fee <amount>', 'fee that was paid; 0 by default', notNegativeDecimal)
		.option('--fee-asset <asset>', 'asset of the fee; the settlement asset by default', assetCode)
		.option('--exchange-order-id <id>', "the exchange's id of the order, if it shows one")
		.requiredOption('--reason <text>', 'how it is known')
		.option('--json', 'print as JSON')
		.action(async (id: string, options: ResolveOptions) => await resolve(id, options));
}

/** Answers how many trades were decided. */
async function decide(id: string, word: (pool: Pool) => Promise<number | null>): Promise<number> {
	let count: number | null = null;
	await withDatabase(async (pool) => {
		count = await word(pool).catch((error: unknown) => {
			throw asRefusal(error);
		});
	});
	if (count === null) throw new BotboxError('NOT_FOUND', `there is no trade ${id} that a person is asked about`);
	return count;
}

function idOf(text: string): string {
	if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
		throw new UsageError('expected the id of a trade, as botbox trades list shows it');
	return text;
}

function someText(text: string): string {
	if (text.trim() === '') throw new InvalidArgumentError('Say why.');
	return text;
}

async function resolve(id: string, options: ResolveOptions): Promise<void> {
	idOf(id);
	const isFilled = options.as === 'filled';
	const figures = [options.quantity, options.price, options.fee, options.feeAsset, options.exchangeOrderId];
	if (isFilled && (options.quantity === undefined || options.price === undefined))
		throw new UsageError('a fill needs --quantity and --price');
	if (!isFilled && figures.some((figure) => figure !== undefined))
		throw new UsageError('--quantity, --price, --fee, --fee-asset and --exchange-order-id belong to --as filled');
	if (options.reason.trim() === '') throw new UsageError('--reason: say how it is known');
	await withDatabase(async (pool) => {
		const status = await resolveTrade(pool, {
			tradeId: id,
			isFilled,
			quantity: options.quantity,
			price: options.price,
			fee: options.fee,
			feeAsset: options.feeAsset,
			exchangeOrderId: options.exchangeOrderId,
			reason: options.reason,
			actor: actor(),
		}).catch((error: unknown) => {
			throw asRefusal(error);
		});
		if (status === null) throw new BotboxError('NOT_FOUND', `there is no trade ${id}`);
		if (options.json) printJson((await listView(pool, 'trades', { where: { trade_id: id } }))[0]);
		else process.stdout.write(`trade ${id} is ${status}\n`);
	});
}

function asRefusal(error: unknown): unknown {
	if (error instanceof Error && 'code' in error && error.code === '55000')
		return new BotboxError('TRANSITION_REFUSED', error.message, { cause: error });
	return asUsage(error);
}

function notNegativeDecimal(text: string): string {
	if (!/^\d{1,18}(\.\d{1,18})?$/.test(text)) throw new InvalidArgumentError('Expected a number from 0 on.');
	return text;
}
