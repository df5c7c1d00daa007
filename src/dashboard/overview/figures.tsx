import type { ReactNode } from 'react';
import type { Overview } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { Ago, Pnl } from '../parts/figures.tsx';

/** Beyond these the figure is coloured: design's promises and alert thresholds. */
const lateMs = 10_000;
const slowOrderMs = 30_000;
const staleSeconds = 120;
const deepQueue = 100;

export function Figures({ overview }: { readonly overview: Overview }) {
	const { settle_asset: asset } = overview;
	return (
		<dl className="figures" aria-label="Figures">
			<PnlFigure title="P&L live" booked={overview.net_pnl_live} open={overview.unrealised_pnl_live} asset={asset} />
			<PnlFigure title="P&L paper" booked={overview.net_pnl_paper} open={overview.unrealised_pnl_paper} asset={asset} />
			<Figure
				title="Open positions"
				note={`${numbers.count(overview.executing)} ${overview.executing === 1 ? 'trade' : 'trades'} executing`}
			>
				{numbers.count(overview.open_positions)}
			</Figure>
			<Figure title="Active bots" note={`of ${numbers.count(overview.bots)}`}>
				{numbers.count(overview.active_bots)}
			</Figure>
			<Figure title="Signals, last hour" note={`${numbers.count(overview.signals_day)} in 24 h`}>
				{numbers.count(overview.signals_hour)}
			</Figure>
			<Figure
				title="Trades, last hour"
				note={tradesNote(overview)}
				isBad={overview.failed_day > 0 && overview.executed_day < 9 * overview.failed_day}
			>
				{numbers.count(overview.trades_hour)}
			</Figure>
			<Figure
				title="Acceptance, 24 h"
				note={`${numbers.count(overview.accepted_day)} of ${numbers.count(overview.signals_day)} signals`}
			>
				{numbers.percent(overview.acceptance_rate_day)}
			</Figure>
			<Figure
				title="Queue depth"
				note={overview.parked > 0 ? `${numbers.count(overview.parked)} wait for a person` : 'trades not yet sent'}
				isBad={overview.queue_depth > deepQueue || overview.parked > 0}
			>
				{numbers.count(overview.queue_depth)}
			</Figure>
			<Figure
				title="Check lateness, p95"
				note={checksNote(overview)}
				isBad={(overview.check_late_ms_p95 ?? 0) > lateMs}
			>
				{numbers.milliseconds(overview.check_late_ms_p95)}
			</Figure>
			<Figure
				title="Signal to order, p95"
				note="acknowledged, 24 h"
				isBad={(overview.acknowledged_ms_p95_day ?? 0) > slowOrderMs}
			>
				{numbers.milliseconds(overview.acknowledged_ms_p95_day)}
			</Figure>
			<Figure
				title="Data lag, worst"
				note="of followed markets"
				isBad={(overview.data_lag_seconds_max ?? 0) > staleSeconds}
			>
				{overview.data_lag_seconds_max === null
					? numbers.none
					: numbers.milliseconds(Math.round(overview.data_lag_seconds_max) * 1_000)}
			</Figure>
			<Figure
				title="Workers running"
				note={
					<>
						last tick <Ago at={overview.last_tick_at} />
					</>
				}
				isBad={overview.running_workers === 0}
			>
				{numbers.count(overview.running_workers)}
			</Figure>
		</dl>
	);
}

function tradesNote({ trades_day, failed_day }: Overview): string {
	const failed = failed_day > 0 ? `, ${numbers.count(failed_day)} failed` : '';
	return `${numbers.count(trades_day)} in 24 h${failed}`;
}

function checksNote({ checks_hour, checks_failed_hour }: Overview): string {
	const failed = checks_failed_hour > 0 ? `, ${numbers.count(checks_failed_hour)} failed` : '';
	return `${numbers.count(checks_hour)} ${checks_hour === 1 ? 'check' : 'checks'} in 1 h${failed}`;
}

interface FigureProps {
	readonly title: string;
	readonly note: ReactNode;
	readonly isBad?: boolean;
	readonly children: ReactNode;
}

function Figure({ title, note, isBad = false, children }: FigureProps) {
	return (
		<div className={isBad ? 'figure bad' : 'figure'}>
			<dt>{title}</dt>
			<dd className="value">{children}</dd>
			<dd className="note">{note}</dd>
		</div>
	);
}

interface PnlFigureProps {
	readonly title: string;
	readonly booked: string;
	readonly open: string;
	readonly asset: string | null;
}

/** Booked and open together, and each: accounts that settle in several assets have no sum worth showing. */
function PnlFigure({ title, booked, open, asset }: PnlFigureProps) {
	if (asset === null) {
		return (
			<Figure title={title} note="several assets: see accounts">
				{numbers.none}
			</Figure>
		);
	}
	return (
		<Figure
			title={title}
			note={
				<>
					<Pnl value={booked} unit={asset} /> booked · <Pnl value={open} unit={asset} /> open
				</>
			}
		>
			<Pnl value={numbers.total([booked, open])} unit={asset} /> <small>{asset}</small>
		</Figure>
	);
}
