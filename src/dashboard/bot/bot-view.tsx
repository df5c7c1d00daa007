/** One bot: its facts, its market with what it did there, its checks with their factors, its signals, trades, positions. */
import { useEffect, useMemo, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { useBot, useBotChecks, useBotPositions, useBotSignals, useBotTrades } from '../api/queries.ts';
import type { Bot, Check } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import { ApprovalsPanel } from '../approvals/approvals-panel.tsx';
import { BotStatus } from '../bots/bot-columns.tsx';
import { ListPanel } from '../overview/lists.tsx';
import { Mode } from '../parts/figures.tsx';
import { Loaded, Panel } from '../parts/panel.tsx';
import { Actions } from './actions.tsx';
import { ChartPanel } from './chart-panel.tsx';
import { CheckDetails } from './check-details.tsx';
import { ChecksPanel, checkKey } from './checks.tsx';
import { Facts } from './facts.tsx';
import { ownColumns } from './own-columns.tsx';
import { ScorePanel } from './score-panel.tsx';

export default function BotView({ botId }: { readonly botId: number }) {
	const bot = useBot(botId);
	useEffect(() => {
		document.title = bot.data === undefined ? `Bot ${botId} · botbox` : `${bot.data.name} · botbox`;
	}, [bot.data, botId]);
	if (bot.data === undefined && bot.error instanceof ApiError && bot.error.status === 404) {
		return (
			<div className="missing">
				<h1>There is no bot {botId}</h1>
				<p>
					It may have been deleted. <a href="#/bots">All bots</a>
				</p>
			</div>
		);
	}
	return <Loaded of={bot}>{(data) => <BotPage bot={data} />}</Loaded>;
}

function BotPage({ bot }: { readonly bot: Bot }) {
	const mayChange = useMayChange();
	const columns = useMemo(() => ownColumns(bot.second_symbol), [bot.second_symbol]);
	const checks = useBotChecks(bot.bot_id);
	const signals = useBotSignals(bot.bot_id);
	const positions = useBotPositions(bot.bot_id);
	const trades = useBotTrades(bot.bot_id);
	const [selected, setSelected] = useState<string | null>(null);
	/** The answer to Check now, until a newer check is chosen. */
	const [answer, setAnswer] = useState<Check | null>(null);
	const items = checks.data?.items ?? [];
	const shown = answer ?? items.find((check) => checkKey(check) === selected) ?? items[0] ?? null;
	return (
		<>
			<div className="title">
				<a href="#/bots" className="back">
					← Bots
				</a>
				<h1>{bot.name}</h1>
				<BotStatus bot={bot} />
				<Mode mode={bot.account_mode} />
				{mayChange ? (
					<Actions
						bot={bot}
						onChecked={(check) => {
							setAnswer(check);
							setSelected(checkKey(check));
						}}
					/>
				) : null}
			</div>
			<ApprovalsPanel botId={bot.bot_id} />
			<Facts bot={bot} />
			<div className="bot-grid">
				<ChartPanel bot={bot} signals={signals.data?.items ?? []} positions={positions.data?.items ?? []} />
				<Panel
					title={answer === null ? (selected === null ? 'Last check' : 'Chosen check') : 'Check now'}
					className="check"
				>
					<Loaded of={checks}>{() => <CheckDetails check={shown} />}</Loaded>
				</Panel>
			</div>
			<ScorePanel bot={bot} checks={items} />
			<ChecksPanel
				checks={checks}
				shown={shown}
				onChoose={(check) => {
					setAnswer(null);
					setSelected(check === items[0] ? null : checkKey(check));
				}}
			/>
			<ListPanel
				title="Positions"
				empty="This bot has held no position yet."
				list={positions}
				columns={columns.positions}
				rowKey={(row) => row.position_id}
			/>
			<ListPanel
				title="Signals"
				empty="This bot has given no signal yet."
				list={signals}
				columns={columns.signals}
				rowKey={(row) => row.signal_id}
			/>
			<ListPanel
				title="Trades"
				empty="This bot has queued no trade yet."
				list={trades}
				columns={columns.trades}
				rowKey={(row) => row.trade_id}
			/>
		</>
	);
}
