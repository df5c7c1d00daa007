/** What stands beside the bots: alerts, exchanges, accounts, reasons of rejection, workers. */
import { useAccounts, useExchanges, useOpenAlerts, useRejectionReasons, useWorkers } from '../api/queries.ts';
import type { Account, Alert, Exchange, RejectionReason, Worker } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Ago, Mode, Pnl, Status } from '../parts/figures.tsx';
import { Meter } from '../parts/meter.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';

export function AlertsPanel() {
	const alerts = useOpenAlerts();
	return (
		<Panel title="Open alerts" note={alerts.data === undefined ? undefined : numbers.count(alerts.data.items.length)}>
			<Loaded of={alerts}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>Nothing is amiss.</Empty>
					) : (
						<ul className="cards">
							{items.map((alert) => (
								<AlertCard key={alert.alert_id} alert={alert} />
							))}
						</ul>
					)
				}
			</Loaded>
		</Panel>
	);
}

function AlertCard({ alert }: { readonly alert: Alert }) {
	return (
		<li>
			<div className="card-head">
				<Status status={alert.severity} /> <strong>{words(alert.code)}</strong>
				<span className="end muted">
					<Ago at={alert.opened_at} />
				</span>
			</div>
			<p>{alert.message}</p>
			{alert.occurrences > 1 ? (
				<p className="muted">
					Seen {numbers.count(alert.occurrences)} times, last <Ago at={alert.last_seen_at} />
				</p>
			) : null}
		</li>
	);
}

export function ExchangesPanel() {
	const exchanges = useExchanges();
	return (
		<Panel title="Exchanges">
			<Loaded of={exchanges}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>No exchange is in use.</Empty>
					) : (
						<ul className="cards">
							{items.map((exchange) => (
								<ExchangeCard key={exchange.exchange_id} exchange={exchange} />
							))}
						</ul>
					)
				}
			</Loaded>
		</Panel>
	);
}

const breakers = {
	CLOSED: { tone: 'good', text: 'Connected', hint: 'Breaker closed: calls pass' },
	HALF_OPEN: { tone: 'warn', text: 'Probing', hint: 'Breaker half open: one call probes' },
	OPEN: { tone: 'bad', text: 'Breaker open', hint: 'Nothing is sent until a probe succeeds' },
} as const;

interface ExchangeCardProps {
	readonly exchange: Exchange;
	/** With what a view of its own has room for. */
	readonly isWhole?: boolean;
}

export function ExchangeCard({ exchange, isWhole = false }: ExchangeCardProps) {
	const { tone, text, hint } = breakers[exchange.breaker_state];
	const used = exchange.used_share ?? 0;
	const isStale = (exchange.data_lag_seconds ?? 0) > 120;
	return (
		<li>
			<div className="card-head">
				<strong>{exchange.title}</strong>
				<span className="end">
					<span className={`badge ${tone}`} title={hint}>
						{text}
					</span>
				</span>
			</div>
			<dl className="pairs">
				<dt>Limiter use</dt>
				<dd>
					<Meter share={used} tone={used > 0.9 ? 'bad' : used > 0.6 ? 'warn' : 'accent'} />
					{numbers.percent(exchange.used_share)}
				</dd>
				<dt>Data lag</dt>
				<dd className={isStale ? 'bad' : undefined}>
					{exchange.data_lag_seconds === null
						? numbers.none
						: numbers.milliseconds(Math.round(exchange.data_lag_seconds) * 1_000)}
				</dd>
				<dt>Feeds</dt>
				<dd className={exchange.feeds_failing > 0 ? 'warn' : undefined}>
					{numbers.count(exchange.feeds)}
					{exchange.feeds_failing > 0 ? `, ${numbers.count(exchange.feeds_failing)} failing` : ''}
				</dd>
				<dt>Calls granted, denied</dt>
				<dd>
					{numbers.count(exchange.granted)}, {numbers.count(exchange.denied)}
				</dd>
				{isWhole ? (
					<>
						<dt>Failures in a row</dt>
						<dd>{numbers.count(exchange.consecutive_failures)}</dd>
						<dt>Breaker since</dt>
						<dd>
							<Ago at={exchange.changed_at} />
						</dd>
						<dt>Clock, exchange minus ours</dt>
						<dd>{numbers.milliseconds(exchange.clock_offset_ms)}</dd>
						<dt>Data fetched</dt>
						<dd>
							<Ago at={exchange.data_fetched_at} />
						</dd>
					</>
				) : null}
			</dl>
			{exchange.blocked_until === null ? null : (
				<p className="bad">
					Blocked by the exchange; ends <Ago at={exchange.blocked_until} />
				</p>
			)}
			{exchange.breaker_state === 'CLOSED' || exchange.last_error === null ? null : (
				<p className="muted">{exchange.last_error}</p>
			)}
		</li>
	);
}

export function AccountsPanel() {
	const accounts = useAccounts();
	return (
		<Panel title="Accounts">
			<Loaded of={accounts}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>There is no account yet.</Empty>
					) : (
						<ul className="cards">
							{items.map((account) => (
								<AccountCard key={account.account_id} account={account} />
							))}
						</ul>
					)
				}
			</Loaded>
		</Panel>
	);
}

function AccountCard({ account }: { readonly account: Account }) {
	const capital = Number(account.capital);
	const used = account.available === null || capital <= 0 ? null : 1 - Number(account.available) / capital;
	return (
		<li>
			<div className="card-head">
				<Mode mode={account.mode} /> <strong>{account.name}</strong>
				<span className="end">
					{account.status === 'ACTIVE' ? (
						<span className="muted">{account.exchange_id}</span>
					) : (
						<Status status={account.status} title={account.status_reason} />
					)}
				</span>
			</div>
			<dl className="pairs">
				<dt>Capital</dt>
				<dd>
					{numbers.money(account.capital)} <small>{account.settle_asset}</small>
				</dd>
				<dt>Available</dt>
				<dd>
					{used === null ? null : <Meter share={used} tone="accent" />}
					{numbers.money(account.available)}
				</dd>
				<dt>Positions</dt>
				<dd>
					{numbers.count(account.open_positions)} of {numbers.count(account.max_positions)}
				</dd>
				<dt>P&L booked</dt>
				<dd>
					<Pnl value={account.net_pnl} unit={account.settle_asset} />
				</dd>
				<dt>Reconciled</dt>
				<dd>
					<Ago at={account.reconciled_at} />
				</dd>
			</dl>
		</li>
	);
}

export function RejectionsPanel() {
	const reasons = useRejectionReasons();
	return (
		<Panel title="Rejection reasons" note="24 h">
			<Loaded of={reasons}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>No signal was rejected in the last 24 hours.</Empty>
					) : (
						<ul className="bars">
							{items.map((reason) => (
								<ReasonBar key={reason.reason_code} reason={reason} most={items[0]?.occurrences ?? 1} />
							))}
						</ul>
					)
				}
			</Loaded>
		</Panel>
	);
}

function ReasonBar({ reason, most }: { readonly reason: RejectionReason; readonly most: number }) {
	return (
		<li title={reason.reason}>
			<a href={`#/signals?status=REJECTED&reason=${reason.reason_code}`}>{words(reason.reason_code)}</a>
			<span className="number">{numbers.count(reason.occurrences)}</span>
			<Meter share={reason.occurrences / most} tone="warn" />
		</li>
	);
}

export function WorkersPanel() {
	const workers = useWorkers();
	return (
		<Panel title="Workers">
			<Loaded of={workers}>
				{({ items }) => {
					const present = items.filter(({ status }) => status !== 'STOPPED');
					return present.length === 0 ? (
						<Empty>No worker is running: bots are not checked.</Empty>
					) : (
						<ul className="cards">
							{present.map((worker) => (
								<WorkerCard key={worker.worker_id} worker={worker} />
							))}
						</ul>
					);
				}}
			</Loaded>
		</Panel>
	);
}

function WorkerCard({ worker }: { readonly worker: Worker }) {
	return (
		<li title={`Worker ${worker.worker_id}, botbox ${worker.version}`}>
			<div className="card-head">
				<strong>
					{worker.host} · {worker.process_id}
				</strong>
				<span className="end">
					<Status status={worker.status} />
				</span>
			</div>
			<p className="muted">
				{worker.roles.join(', ')}; heard <Ago at={worker.heartbeat_at} />
			</p>
		</li>
	);
}
