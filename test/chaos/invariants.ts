/** The promises that hold after any drill: our books against the exchange's truth, and both against themselves. */
import { type Finding, finding, inspectBooks } from './books.ts';
import { type ExchangeTruth, readExchange } from './exchange-truth.ts';
import type { Inspected } from './stage.ts';

interface BookedOrder {
	readonly id: number;
	readonly client_order_id: string | null;
	readonly exchange_order_id: string | null;
	readonly status: string;
	readonly filled_quantity: string;
}
interface BookedFill {
	readonly exchange_order_id: string;
	readonly exchange_fill_id: string;
	readonly quantity: string;
	readonly price: string;
	readonly fee: string;
	readonly fee_asset: string;
}

/** All promises that are broken at this moment. What is under way breaks some of them: a drill waits until none is. */
export async function inspect(stage: Inspected): Promise<{ findings: Finding[]; truth: ExchangeTruth }> {
	const truth = await readExchange(stage);
	const findings = [
		...(await inspectBooks(stage.pool)),
		...(await compareOrders(stage, truth)),
		...(await compareFills(stage, truth)),
		...(await comparePositions(stage, truth)),
		...(await compareBalances(stage, truth)),
	];
	return { findings, truth };
}

async function compareOrders({ pool, liveAccountId }: Inspected, { orders }: ExchangeTruth): Promise<Finding[]> {
	const { rows } = await pool.query<BookedOrder>(
		'select id, client_order_id, exchange_order_id, status, filled_quantity from botbox.orders where account_id = $1',
		[liveAccountId],
	);
	const byLink = new Map(rows.map((row) => [row.client_order_id, row]));
	const byExchangeId = new Map(rows.map((row) => [row.exchange_order_id, row]));
	const ours = orders.filter(({ orderLinkId }) => orderLinkId !== '');
	const seen = new Set<string>();
	const repeated = ours.filter(({ orderLinkId }) => seen.size === seen.add(orderLinkId).size);
	const known = new Set(orders.map(({ orderId }) => orderId));
	return [
		...finding('no duplicate client order id at the exchange', repeated),
		...finding(
			'no order at the exchange without its row',
			ours.filter(({ orderLinkId, orderId }) => byLink.get(orderLinkId)?.exchange_order_id !== orderId),
		),
		...finding(
			'no filled order of our stops without its row',
			orders.filter(
				({ orderLinkId, orderId, cumExecQty }) =>
					orderLinkId === '' && Number(cumExecQty) > 0 && !byExchangeId.has(orderId),
			),
		),
		...finding(
			'no row of an order that the exchange does not have',
			rows.filter(({ exchange_order_id }) => exchange_order_id !== null && !known.has(exchange_order_id)),
		),
		...finding(
			'rows and orders filled the same',
			orders.filter(({ orderId, cumExecQty }) => {
				const row = byExchangeId.get(orderId);
				return row !== undefined && Number(row.filled_quantity) !== Number(cumExecQty);
			}),
		),
	];
}

async function compareFills({ pool, liveAccountId }: Inspected, { orders }: ExchangeTruth): Promise<Finding[]> {
	const { rows } = await pool.query<BookedFill>(
		'select exchange_order_id, exchange_fill_id, quantity, price, fee, fee_asset from botbox.fills where account_id = $1',
		[liveAccountId],
	);
	const describe = (...parts: (string | number)[]) => parts.join(' ');
	const booked = rows.map((row) =>
		describe(
			row.exchange_order_id,
			row.exchange_fill_id,
			Number(row.quantity),
			Number(row.price),
			Number(row.fee),
			row.fee_asset,
		),
	);
	const reported = orders.flatMap(({ orderId, fills }) =>
		fills.map((fill) =>
			describe(orderId, fill.execId, Number(fill.qty), Number(fill.price), Number(fill.fee), fill.feeCurrency),
		),
	);
	const [ours, theirs] = [new Set(booked), new Set(reported)];
	return [
		...finding(
			'every fill of the exchange is booked',
			reported.filter((fill) => !ours.has(fill)),
		),
		...finding(
			'every booked fill is the exchange\u2019s',
			booked.filter((fill) => !theirs.has(fill)),
		),
	];
}

async function comparePositions({ pool, liveAccountId }: Inspected, { positions }: ExchangeTruth): Promise<Finding[]> {
	const { rows } = await pool.query<{ symbol: string; net: string }>(
		`select i.exchange_symbol as symbol, sum(case p.direction when 'LONG' then p.quantity else -p.quantity end) as net
		   from botbox.positions p join botbox.instruments i on i.id = p.instrument_id
		  where p.account_id = $1 and p.status = 'OPEN' and i.market_type = 'LINEAR'
		  group by i.exchange_symbol`,
		[liveAccountId],
	);
	const booked = new Map(rows.map(({ symbol, net }) => [symbol, Number(net)]));
	const symbols = [...new Set([...booked.keys(), ...positions.keys()])];
	const compared = symbols.map((symbol) => ({
		symbol,
		booked: booked.get(symbol) ?? 0,
		exchange: positions.get(symbol)?.quantity ?? 0,
	}));
	return finding(
		'positions are the exchange\u2019s',
		compared.filter(({ booked, exchange }) => booked !== exchange),
	);
}

/**
 * Cash less what open positions cost: of bots on both sides of one instrument the exchange has realised what our books still
 * hold open, and only this sum is the same in both. The exchange shows ten decimals.
 */
async function compareBalances({ pool, liveAccountId }: Inspected, truth: ExchangeTruth): Promise<Finding[]> {
	const { rows } = await pool.query<{ asset: string; booked: string }>(
		`select b.asset, b.booked - coalesce(sum(case p.direction when 'LONG' then 1 else -1 end * p.quantity * p.average_entry_price), 0) as booked
		   from botbox.account_balances b
		   left join (botbox.positions p join botbox.instruments i on i.id = p.instrument_id and i.market_type = 'LINEAR')
		     on p.account_id = b.account_id and p.status = 'OPEN' and i.settle_asset = b.asset
		  where b.account_id = $1
		  group by b.asset, b.booked`,
		[liveAccountId],
	);
	const cost = [...truth.positions.values()].reduce((sum, position) => sum + position.cost, 0);
	const exchange = new Map([...truth.balances].map(([asset, cash]) => [asset, asset === 'USDT' ? cash - cost : cash]));
	const booked = new Map(rows.map((row) => [row.asset, Number(row.booked)]));
	const compared = [...new Set([...booked.keys(), ...exchange.keys()])].map((asset) => ({
		asset,
		booked: booked.get(asset) ?? 0,
		exchange: exchange.get(asset) ?? 0,
	}));
	return finding(
		'balances are the exchange\u2019s',
		compared.filter(({ booked, exchange }) => Math.abs(booked - exchange) > 1e-8 * Math.max(Math.abs(booked), 10)),
	);
}

/** The limits of the exchange: a violation stays on record, so there is nothing to wait for. */
export async function inspectRequests(stage: Inspected): Promise<Finding[]> {
	const { requests } = await readExchange(stage);
	const { worstWindow, worstKeyWindows, refused, bans } = requests;
	// A ban that the drill itself ordered is no violation, and neither are the requests that met it.
	const earned = bans.filter(({ reason }) => reason === 'limit');
	const wasBanned = bans.length > earned.length;
	const overKeys = Object.entries(worstKeyWindows).filter(([, worst]) => worst.requests > worst.limit);
	return [
		...finding('no ban', earned),
		...finding('no request refused by a limit', (wasBanned ? 0 : refused.ip) + refused.key > 0 ? [refused] : []),
		...finding(
			'at most 80% of the limit in any window',
			worstWindow.requests > 0.8 * worstWindow.limit ? [worstWindow] : [],
		),
		...finding('no limit of the account exceeded', overKeys),
	];
}
