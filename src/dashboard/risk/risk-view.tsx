/** Each account's limits and how much of them is used; what stops it. */
import { useAccounts, useAllOpenPositions, useEquity } from '../api/queries.ts';
import type { Account, Position } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import { FlattenButton, PauseButton, ResumeButton, type Subject } from '../controls/controls.tsx';
import * as numbers from '../format/numbers.ts';
import { useNow } from '../format/times.ts';
import { Ago, Mode, Pnl, Status } from '../parts/figures.tsx';
import { Meter } from '../parts/meter.tsx';
import { Empty, Loaded, Panel, ViewHead } from '../parts/panel.tsx';
import { type LimitUse, limitsOf, rulesOf } from './limits.ts';
import { LimitsButton } from './limits-button.tsx';
import { RolloutsPanel } from './rollouts-panel.tsx';

export function RiskView() {
	const accounts = useAccounts();
	const positions = useAllOpenPositions();
	return (
		<>
			<ViewHead title="Risk" note="limits of each account and their use" />
			<Loaded of={accounts}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>
							There is no account yet. Create one with <code>botbox accounts create</code>.
						</Empty>
					) : (
						<>
							<div className="risk-grid">
								{items.map((account) => (
									<AccountPanel key={account.account_id} account={account} positions={positions.data ?? []} />
								))}
							</div>
							<RolloutsPanel accounts={items} />
						</>
					)
				}
			</Loaded>
		</>
	);
}

interface AccountPanelProps {
	readonly account: Account;
	readonly positions: readonly Position[];
}

function AccountPanel({ account, positions }: AccountPanelProps) {
	const mayChange = useMayChange();
	const equity = useEquity(account.account_id);
	const nowMs = useNow();
	const own = positions.filter(({ account_id }) => account_id === account.account_id);
	const limits = limitsOf(account, { positions: own, equity: equity.data?.items ?? [], nowMs });
	const subject: Subject = { scope: 'ACCOUNT', account_id: account.account_id };
	const name = `account ${account.name}`;
	return (
		<Panel
			title={account.name}
			className="account"
			note={
				<>
					<Mode mode={account.mode} /> {account.exchange_id}
				</>
			}
			tools={
				<>
					<Status status={account.status} title={account.status_reason} />
					{!mayChange ? null : (
						<>
							<LimitsButton account={account} />
							<PauseButton subject={subject} name={name} />
							<ResumeButton subject={subject} name={name} />
							<FlattenButton subject={subject} name={name} positions={account.open_positions} />
						</>
					)}
				</>
			}
		>
			{account.status_reason === null || account.status === 'ACTIVE' ? null : (
				<p className="panel-text warn">{account.status_reason}</p>
			)}
			<table className="limits">
				<caption className="hidden">Limits of {account.name}</caption>
				<thead>
					<tr>
						<th scope="col">Limit</th>
						<th scope="col" className="number">
							Used
						</th>
						<th scope="col" className="number">
							Of
						</th>
						<th scope="col">
							<span className="hidden">Share</span>
						</th>
					</tr>
				</thead>
				<tbody>
					{limits.map((limit) => (
						<LimitRow key={limit.title} limit={limit} />
					))}
				</tbody>
			</table>
			<div className="two-lists">
				<dl className="pairs">
					<dt>Capital</dt>
					<dd>
						{numbers.money(account.capital)} <small>{account.settle_asset}</small>
					</dd>
					<dt>Available</dt>
					<dd>{numbers.money(account.available)}</dd>
					<dt>Equity</dt>
					<dd>{numbers.money(account.equity)}</dd>
					<dt>Peak</dt>
					<dd>{numbers.money(account.equity_peak)}</dd>
					<dt>P&L booked</dt>
					<dd>
						<Pnl value={account.net_pnl} unit={account.settle_asset} />
					</dd>
					<dt>Reconciled</dt>
					<dd>
						<Ago at={account.reconciled_at} />
					</dd>
				</dl>
				<dl className="pairs">
					{rulesOf(account).map(([title, rule]) => (
						<div className="pair" key={title}>
							<dt>{title}</dt>
							<dd>{rule ?? <span className="muted">no limit</span>}</dd>
						</div>
					))}
				</dl>
			</div>
		</Panel>
	);
}

function LimitRow({ limit: { title, used, limit, share, hint } }: { readonly limit: LimitUse }) {
	const tone = share === null || share < 0.6 ? 'accent' : share < 0.9 ? 'warn' : 'bad';
	return (
		<tr>
			<th scope="row">
				{title} {hint === undefined ? null : <small>{hint}</small>}
			</th>
			<td className="number">{used}</td>
			<td className="number">{limit ?? <span className="muted">no limit</span>}</td>
			<td className="share">
				{share === null ? null : (
					<>
						<Meter share={share} tone={tone} /> <span className="number">{numbers.percent(share)}</span>
					</>
				)}
			</td>
		</tr>
	);
}
