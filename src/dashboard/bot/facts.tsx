import type { ReactNode } from 'react';
import type { Bot } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Ago, Market, Pnl, Side } from '../parts/figures.tsx';

export function Facts({ bot }: { readonly bot: Bot }) {
	return (
		<dl className="figures facts" aria-label="Facts">
			<Fact title="P&L" note={<PnlNote bot={bot} />}>
				<Pnl value={numbers.total([bot.net_pnl, bot.unrealised_pnl])} unit={bot.settle_asset} />{' '}
				<small>{bot.settle_asset}</small>
			</Fact>
			<Fact
				title="Position"
				note={
					bot.position_direction === null ? (
						`${numbers.count(bot.closed_positions)} closed so far`
					) : (
						<>
							{numbers.quantity(bot.position_quantity)} at {numbers.price(bot.position_entry_price)},{' '}
							<Ago at={bot.position_opened_at} />
						</>
					)
				}
			>
				{bot.position_direction === null ? 'None' : <Side direction={bot.position_direction} />}
			</Fact>
			<Fact
				title="Strategy"
				note={`version ${bot.strategy_version}, ${bot.timeframe} candles, every ${bot.interval_minutes} min`}
			>
				{words(bot.strategy)}
			</Fact>
			<Fact title="Market" note={marketNote(bot)}>
				<Market symbol={bot.symbol} />
			</Fact>
			<Fact title="Account" note={sizingNote(bot)}>
				{bot.account}
			</Fact>
			<Fact
				title="Checks"
				note={
					bot.next_check_at === null ? (
						'none planned'
					) : (
						<>
							next <Ago at={bot.next_check_at} />
						</>
					)
				}
			>
				<Ago at={bot.last_check_at} />
			</Fact>
			<Fact title="Signals, 24 h" note={`accepted; ${numbers.count(bot.signals_rejected_day)} rejected`}>
				{numbers.count(bot.signals_accepted_day)}
			</Fact>
			{bot.execution === 'AUTO' ? null : (
				<Fact title="Entries" note="closes and stops never wait">
					Ask first
				</Fact>
			)}
			{bot.consecutive_failures > 0 ? (
				<Fact title="Failing" note="checks in a row">
					<span className="bad">{numbers.count(bot.consecutive_failures)}</span>
				</Fact>
			) : null}
			{bot.status_reason === null || bot.status === 'ACTIVE' ? null : (
				<Fact title={words(bot.status)} note="the reason given">
					{bot.status_reason}
				</Fact>
			)}
		</dl>
	);
}

function PnlNote({ bot }: { readonly bot: Bot }) {
	if (bot.unrealised_pnl === null) return 'booked; nothing open';
	return (
		<>
			<Pnl value={bot.net_pnl} unit={bot.settle_asset} /> booked ·{' '}
			<Pnl value={bot.unrealised_pnl} unit={bot.settle_asset} /> open
		</>
	);
}

function sizingNote({ sizing, sizing_value, settle_asset, leverage }: Bot): string {
	const share = numbers.percent(Number(sizing_value), 1);
	const size = {
		FIXED_NOTIONAL: `${numbers.money(sizing_value)} ${settle_asset} an entry`,
		CAPITAL_FRACTION: `${share} of capital an entry`,
		VOLATILITY_TARGET: `${share} of capital at risk per ATR`,
	}[sizing];
	return Number(leverage) === 1 ? size : `${size}, ${numbers.quantity(leverage)}× leverage`;
}

interface FactProps {
	readonly title: string;
	readonly note: ReactNode;
	readonly children: ReactNode;
}

function Fact({ title, note, children }: FactProps) {
	return (
		<div className="figure">
			<dt>{title}</dt>
			<dd className="value">{children}</dd>
			<dd className="note">{note}</dd>
		</div>
	);
}

function marketNote({ exchange_id, market_type, second_symbol }: Bot): string {
	const note = `${exchange_id}, ${market_type === 'SPOT' ? 'spot' : 'perpetual'}`;
	return second_symbol === null ? note : `${note}, against ${second_symbol}`;
}
