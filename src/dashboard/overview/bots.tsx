import { useDeferredValue, useMemo } from 'react';
import { useBots } from '../api/queries.ts';
import type { Bot } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Ago, Market, Mode, Pnl, Score, Side, Status } from '../parts/figures.tsx';
import { useKept } from '../parts/kept.ts';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';
import { botHref } from '../route.ts';

const pnlOf = (bot: Bot): number | null => numbers.total([bot.net_pnl, bot.unrealised_pnl]);

const columns: readonly Column<Bot>[] = [
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
		width: 117,
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
		width: 138,
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
		width: 195,
		isWide: true,
		sort: (bot) => (bot.last_check_at === null ? null : -Date.parse(bot.last_check_at)),
		hint: (bot) => (bot.last_outcome === null ? null : `${words(bot.last_outcome)}: ${bot.last_reason ?? ''}`),
		cell: (bot) => <LastCheck bot={bot} />,
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
		width: 76,
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

/** `isFew`: it stands as high as its rows, not as high as what is beside it. */
export function BotsPanel({ isFew }: { readonly isFew: boolean }) {
	const [filter, setFilter] = useKept('bots filter', '');
	const wanted = useDeferredValue(filter.trim().toLowerCase());
	const all = useBots('');
	const isCut = all.data?.isCut ?? false;
	// Beyond what is loaded, the API searches.
	const searched = useBots(isCut ? wanted : '');
	const bots = isCut && wanted !== '' ? searched : all;
	const matching = useMemo(() => {
		const items = bots.data?.items ?? [];
		return isCut || wanted === '' ? items : items.filter(matcher(wanted));
	}, [bots.data, isCut, wanted]);
	return (
		<Panel
			id="bots"
			title="Bots"
			className={isFew ? 'bots few' : 'bots'}
			note={bots.data === undefined ? undefined : countNote(matching.length, bots.data.items.length, isCut)}
			tools={
				<input
					type="search"
					aria-label="Filter bots"
					placeholder="Filter by name, symbol, status …"
					value={filter}
					onChange={(event) => setFilter(event.target.value)}
				/>
			}
		>
			<Loaded of={bots}>
				{({ items }) =>
					items.length === 0 && wanted === '' ? (
						<Empty>
							There are no bots yet. Create one with <code>botbox bots create</code>.
						</Empty>
					) : matching.length === 0 ? (
						<Empty>No bot matches “{filter.trim()}”.</Empty>
					) : (
						<DataTable
							caption="Bots"
							name="bots"
							className="fill"
							columns={columns}
							rows={matching}
							rowKey={(bot) => bot.bot_id}
						/>
					)
				}
			</Loaded>
		</Panel>
	);
}

/** Every word must occur somewhere. */
function matcher(wanted: string): (bot: Bot) => boolean {
	const parts = wanted.split(/\s+/);
	return (bot) => {
		const held = bot.position_direction ?? '';
		const reason = words(bot.last_reason_code);
		const text =
			`${bot.name} ${bot.strategy} ${words(bot.strategy)} ${bot.symbol} ${bot.account} ${bot.account_mode} ${bot.exchange_id} ${bot.status} ${bot.last_outcome} ${reason} ${held}`.toLowerCase();
		return parts.every((part) => text.includes(part));
	};
}

function countNote(matching: number, loaded: number, isCut: boolean): string {
	if (isCut) return `first ${numbers.count(matching)}; the filter searches all`;
	return matching === loaded ? numbers.count(loaded) : `${numbers.count(matching)} of ${numbers.count(loaded)}`;
}
