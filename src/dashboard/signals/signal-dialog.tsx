import { useEffect, useRef } from 'react';
import type { Signal } from '../api/rows.ts';
import { FactorTable, readFactors } from '../bot/check-details.tsx';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Ago, Market, Mode, Side, Status } from '../parts/figures.tsx';
import { flatten } from '../parts/flatten.ts';
import { botHref } from '../route.ts';

/** Everything that was known when a signal was decided. */
export function SignalDialog({ signal, onClose }: { readonly signal: Signal; readonly onClose: () => void }) {
	const dialog = useRef<HTMLDialogElement>(null);
	useEffect(() => dialog.current?.showModal(), []);
	const factors = readFactors(signal.factors);
	const details = flatten(signal.details);
	return (
		<dialog ref={dialog} className="wide" aria-labelledby="signal-title" onClose={onClose}>
			<div className="card-head">
				<h2 id="signal-title">
					<Side direction={signal.direction} /> <Market symbol={signal.symbol} />
				</h2>
				<Status status={signal.status} />
				<Mode mode={signal.account_mode} />
				<span className="end muted">
					<Ago at={signal.created_at} />
				</span>
			</div>
			<p className={signal.status === 'REJECTED' ? 'warn' : 'muted'}>
				{signal.status === 'REJECTED' ? signal.reason : `${words(signal.trigger_reason)}: ${signal.reason}`}
			</p>
			{details.length === 0 ? null : (
				<dl className="pairs">
					{details.map(([name, value]) => (
						<Pair key={name} title={words(name)}>
							{value}
						</Pair>
					))}
				</dl>
			)}
			{factors.length === 0 ? null : <FactorTable factors={factors} score={signal.score} />}
			<dl className="pairs">
				<Pair title="Bot">
					<a href={botHref(signal.bot_id)}>{signal.bot}</a>
				</Pair>
				<Pair title="Strategy">
					{words(signal.strategy)} {signal.strategy_version}, {signal.timeframe}
				</Pair>
				<Pair title="Account">
					{signal.account} on {signal.exchange_id}
				</Pair>
				<Pair title="Price">{numbers.price(signal.price)}</Pair>
				<Pair title="Quantity, notional">
					{numbers.quantity(signal.quantity)}, {numbers.money(signal.notional)}
				</Pair>
				<Pair title="Stop, target">
					{numbers.price(signal.stop_loss_price)}, {numbers.price(signal.take_profit_price)}
				</Pair>
				<Pair title="Regime">
					{words(signal.regime_direction)}
					{signal.regime_volatility === null ? '' : `, ${signal.regime_volatility.toLowerCase()} volatility`}
				</Pair>
				<Pair title="Data age">{numbers.milliseconds(signal.data_age_ms)}</Pair>
				<Pair title="Trade">
					<Status status={signal.trade_status} />
				</Pair>
			</dl>
			<div className="buttons">
				<button type="button" onClick={() => dialog.current?.close()}>
					Close
				</button>
			</div>
		</dialog>
	);
}

function Pair({ title, children }: { readonly title: string; readonly children: React.ReactNode }) {
	return (
		<>
			<dt>{title}</dt>
			<dd>{children}</dd>
		</>
	);
}
