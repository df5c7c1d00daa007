/** What an account was worth over the last day. */
import { useMemo, useState } from 'react';
import { useAccounts, useEquity } from '../api/queries.ts';
import type { Account } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { minuteTime } from '../format/times.ts';
import { Select } from '../parts/choice.tsx';
import { Mode, Pnl } from '../parts/figures.tsx';
import { LineChart } from '../parts/line-chart.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';

const dayMs = 86_400_000;

export function EquityPanel() {
	const accounts = useAccounts().data?.items ?? [];
	const [chosen, setChosen] = useState<number | null>(null);
	// Money first: what a LIVE account is worth is what one looks for.
	const account =
		accounts.find(({ account_id }) => account_id === chosen) ??
		accounts.find(({ mode }) => mode === 'LIVE') ??
		accounts[0];
	if (account === undefined) return null;
	return (
		<AccountEquityPanel
			key={account.account_id}
			account={account}
			tools={
				accounts.length < 2 ? null : (
					<Select
						legend="Account"
						options={accounts.map(({ account_id, name }) => [String(account_id), name] as const)}
						value={String(account.account_id)}
						onChange={(value) => setChosen(Number(value))}
					/>
				)
			}
		/>
	);
}

function AccountEquityPanel({ account, tools }: { readonly account: Account; readonly tools: React.ReactNode }) {
	const equity = useEquity(account.account_id);
	const points = useMemo(() => {
		const all = (equity.data?.items ?? []).toReversed().map(({ at, equity: worth }) => ({
			x: Date.parse(at),
			y: Number(worth),
		}));
		// While botbox stood still nothing was recorded: an older figure would draw a line through that time.
		const since = (all.at(-1)?.x ?? 0) - dayMs;
		return all.filter(({ x }) => x >= since);
	}, [equity.data]);
	const [first, last] = [points[0], points.at(-1)];
	return (
		<Panel
			title="Equity"
			note={
				<>
					<Mode mode={account.mode} />{' '}
					{first === undefined || last === undefined ? null : (
						<>
							{numbers.money(last.y)} {account.settle_asset},{' '}
							<Pnl value={last.y - first.y} unit={account.settle_asset} /> since {minuteTime(first.x)}
						</>
					)}
				</>
			}
			tools={tools}
		>
			<Loaded of={equity}>
				{() =>
					points.length < 2 ? (
						<Empty>Equity is recorded every five minutes; the curve begins with the second figure.</Empty>
					) : (
						<LineChart
							label={`Equity of ${account.name}, ${points.length} figures`}
							points={points}
							valueText={(value) => numbers.money(value)}
							timeText={minuteTime}
						/>
					)
				}
			</Loaded>
		</Panel>
	);
}
