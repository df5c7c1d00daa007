/** What a list of bots shows of each. */
import type { Bot } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import type { Column } from '../parts/data-table.tsx';
import { Ago, Market, Mode, Pnl, Score, Side, Status } from '../parts/figures.tsx';
import { botHref } from '../route.ts';

const pnlOf = (bot: Bot): number | null => numbers.total([bot.net_pnl, bot.unrealised_pnl]);

export const botColumns: readonly Column<Bot>[] = [
	{
		key: 'name',
		title: 'Bot',
		atLeast: 130,
		sort: (bot) => bot.name,
		hint: (bot) => bot.name,
		cell: (bot) => (
			<>
				{isActing(bot) ? null : (
					<span className="phone">
						<BotStatus bot={bot} />{' '}
					</span>
				)}
				<a href={botHref(bot.bot_id)}>{bot.name}</a>
			</>
		),
	},
	{
		key: 'status',
		title: 'Status',
		width: 72,
		isWide: true,
		sort: (bot) => bot.status,
		cell: (bot) => <BotStatus bot={bot} />,
	},
	{
		key: 'strategy',
		title: 'Strategy',
		width: 112,
		isWide: true,
		sort: (bot) => bot.strategy,
		hint: (bot) => `${bot.strategy}, version ${bot.strategy_version}, on ${bot.timeframe} candles`,
		cell: (bot) => words(bot.strategy),
	},
	{
		key: 'symbol',
		title: 'Symbol',
		width: 106,
		isWide: true,
		sort: (bot) => bot.symbol,
		cell: (bot) => <Market symbol={bot.symbol} />,
	},
	{
		key: 'account',
		title: 'Account',
		width: 130,
		isWide: true,
		sort: (bot) => bot.account,
		hint: (bot) => bot.account,
		cell: (bot) => (
			<>
				<Mode mode={bot.account_mode} /> {bot.account}
			</>
		),
	},
	{
		key: 'check',
		title: 'Last check',
		width: 188,
		isWide: true,
		sort: (bot) => (bot.last_check_at === null ? null : -Date.parse(bot.last_check_at)),
		hint: (bot) => (bot.last_outcome === null ? null : `${words(bot.last_outcome)}: ${bot.last_reason ?? ''}`),
		cell: (bot) => <LastCheck bot={bot} />,
	},
	{
		key: 'next',
		title: 'Next',
		width: 72,
		isWide: true,
		sort: (bot) => bot.next_check_at,
		hint: (bot) => `every ${bot.interval_minutes} min`,
		cell: (bot) =>
			bot.status === 'ACTIVE' ? <Ago at={bot.next_check_at} /> : <span className="muted">{numbers.none}</span>,
	},
	{
		key: 'score',
		title: 'Score',
		width: 96,
		isNumber: true,
		isWide: true,
		sort: (bot) => bot.last_score,
		cell: (bot) => <Score value={bot.last_score} />,
	},
	{
		key: 'position',
		title: 'Position',
		width: 66,
		sort: (bot) => bot.position_direction,
		hint: (bot) =>
			bot.position_direction === null
				? null
				: `${numbers.quantity(bot.position_quantity)} at ${numbers.price(bot.position_entry_price)}`,
		cell: (bot) =>
			bot.position_direction === null ? (
				<span className="muted">{numbers.none}</span>
			) : (
				<Side direction={bot.position_direction} />
			),
	},
	{
		key: 'pnl',
		title: 'P&L',
		width: 86,
		isNumber: true,
		sort: pnlOf,
		cell: (bot) => <Pnl value={pnlOf(bot)} unit={bot.settle_asset} />,
	},
];

const isActing = (bot: Bot): boolean => bot.status === 'ACTIVE' && !bot.entries_paused;

export function BotStatus({ bot }: { readonly bot: Bot }) {
	if (bot.status === 'ACTIVE' && bot.entries_paused) {
		return <Status status="PAUSED" title="Active, but a pause in force stops its entries" />;
	}
	return <Status status={bot.status} title={bot.status_reason} />;
}

/** When, and what came of it: the reason says more than the outcome unless something is amiss. */
function LastCheck({ bot }: { readonly bot: Bot }) {
	if (bot.last_check_at === null) return <span className="muted">not yet</span>;
	const isQuiet = bot.last_outcome === 'NO_SIGNAL' || bot.last_outcome === 'QUEUED';
	return (
		<>
			<span className="ago">
				<Ago at={bot.last_check_at} />
			</span>
			<span className={isQuiet ? (bot.last_outcome === 'QUEUED' ? 'accent' : 'muted') : 'warn'}>
				{words(bot.last_outcome === 'QUEUED' ? 'QUEUED' : (bot.last_reason_code ?? bot.last_outcome))}
			</span>
		</>
	);
}
