/** Exchanges: whether calls pass, how much of their limits is used, and how old the data of each market are. */
import { useMemo } from 'react';
import { useDataFreshness, useExchanges } from '../api/queries.ts';
import type { DataFreshness } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import * as numbers from '../format/numbers.ts';
import { ExchangeCard } from '../overview/side.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Ago, Badge, Market } from '../parts/figures.tsx';
import { Empty, Loaded, Panel, ViewHead } from '../parts/panel.tsx';
import { BreakerControls } from './breaker.tsx';

/** As the overview: beyond it the data of a followed market are old. */
const staleSeconds = 120;

export function ExchangesView() {
	const mayChange = useMayChange();
	const exchanges = useExchanges();
	const freshness = useDataFreshness();
	const followed = useMemo(
		() => (freshness.data?.items ?? []).filter(({ is_followed }) => is_followed),
		[freshness.data],
	);
	return (
		<>
			<ViewHead title="Exchanges" note="limits, breakers, and how old the data are" />
			<div className="exchange-grid">
				<Loaded of={exchanges}>
					{({ items }) =>
						items.length === 0 ? (
							<Empty>No exchange is in use.</Empty>
						) : (
							items.map((exchange) => (
								<div className="panel" key={exchange.exchange_id}>
									<ul className="cards">
										<ExchangeCard exchange={exchange} isWhole />
									</ul>
									{mayChange ? <BreakerControls exchange={exchange} /> : null}
								</div>
							))
						)
					}
				</Loaded>
			</div>
			<Panel
				title="Markets followed"
				note={freshness.data === undefined ? undefined : numbers.count(followed.length)}
				className="tall"
			>
				<Loaded of={freshness}>
					{() =>
						followed.length === 0 ? (
							<Empty>No living bot has a market, so none is followed.</Empty>
						) : (
							<DataTable
								caption="Markets followed"
								name="markets"
								className="fill"
								columns={columns}
								rows={followed}
								rowKey={(row) => row.instrument_id}
							/>
						)
					}
				</Loaded>
			</Panel>
		</>
	);
}

const columns: readonly Column<DataFreshness>[] = [
	{
		key: 'symbol',
		title: 'Market',
		atLeast: 120,
		sort: (row) => row.symbol,
		cell: (row) => <Market symbol={row.symbol} />,
	},
	{
		key: 'exchange',
		title: 'Exchange',
		width: 110,
		isWide: true,
		sort: (row) => row.exchange_id,
		cell: (row) => row.exchange_id,
	},
	{
		key: 'state',
		title: 'State',
		width: 90,
		sort: (row) => stateOf(row).text,
		cell: (row) => {
			const { tone, text } = stateOf(row);
			return <Badge tone={tone}>{text}</Badge>;
		},
	},
	{
		key: 'lag',
		title: 'Data lag',
		width: 110,
		isNumber: true,
		sort: (row) => row.lag_seconds,
		cell: (row) =>
			row.lag_seconds === null ? numbers.none : numbers.milliseconds(Math.round(row.lag_seconds) * 1_000),
	},
	{
		key: 'candle',
		title: 'Last candle',
		width: 110,
		isWide: true,
		sort: (row) => row.last_candle_at,
		cell: (row) => <Ago at={row.last_candle_at} />,
	},
	{
		key: 'fetched',
		title: 'Fetched',
		width: 110,
		isWide: true,
		sort: (row) => row.fetched_at,
		cell: (row) => <Ago at={row.fetched_at} />,
	},
	{
		key: 'next',
		title: 'Next fetch',
		width: 110,
		isWide: true,
		sort: (row) => row.next_fetch_at,
		cell: (row) => <Ago at={row.next_fetch_at} />,
	},
	{
		key: 'refused',
		title: 'Refused rows',
		width: 110,
		isNumber: true,
		isWide: true,
		sort: (row) => row.refused_rows,
		cell: (row) => numbers.count(row.refused_rows),
	},
	{
		key: 'error',
		title: 'Last error',
		atLeast: 160,
		isWide: true,
		hint: (row) => row.last_error,
		cell: (row) => row.last_error ?? <span className="muted">{numbers.none}</span>,
	},
];

function stateOf(row: DataFreshness): { readonly tone: 'good' | 'warn' | 'bad'; readonly text: string } {
	if (row.consecutive_failures > 0) return { tone: 'bad', text: 'Failing' };
	if (row.lag_seconds === null || row.lag_seconds > staleSeconds) return { tone: 'warn', text: 'Old' };
	return { tone: 'good', text: 'Fresh' };
}
