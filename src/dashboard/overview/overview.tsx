import { useOverview, usePauses } from '../api/queries.ts';
import { useMayChange } from '../api/session.ts';
import { ApprovalsPanel } from '../approvals/approvals-panel.tsx';
import { FlattenButton, PauseButton, ResumeButton } from '../controls/controls.tsx';
import { Loaded, ViewHead } from '../parts/panel.tsx';
import { EquityPanel } from './equity.tsx';
import { Figures } from './figures.tsx';
import { PositionsPanel, SignalsPanel, TradesPanel } from './lists.tsx';
import { AccountsPanel, AlertsPanel, ExchangesPanel, RejectionsPanel, WorkersPanel } from './side.tsx';

export function OverviewView() {
	const overview = useOverview();
	return (
		<>
			<ViewHead title="Overview">
				<SystemControls positions={overview.data?.open_positions} />
			</ViewHead>
			<ApprovalsPanel />
			<Loaded of={overview}>{(data) => <Figures overview={data} />}</Loaded>
			<div className="beside">
				<div className="main-panels">
					<EquityPanel />
					<PositionsPanel />
					<SignalsPanel />
					<TradesPanel />
				</div>
				<div className="side-panels">
					<AlertsPanel />
					<AccountsPanel />
					<ExchangesPanel />
					<RejectionsPanel />
					<WorkersPanel />
				</div>
			</div>
		</>
	);
}

const everything = { scope: 'ALL' } as const;

function SystemControls({ positions }: { readonly positions: number | undefined }) {
	const mayChange = useMayChange();
	const isPaused = usePauses().data?.items.some(({ scope }) => scope === 'ALL') ?? false;
	if (!mayChange) return <span className="muted">Log in as operator to pause, resume or flatten.</span>;
	return (
		<>
			{isPaused ? (
				<ResumeButton subject={everything} name="all bots" button="Resume all" />
			) : (
				<PauseButton subject={everything} name="all bots" button="Pause all" />
			)}
			<FlattenButton subject={everything} name="all bots" positions={positions} />
		</>
	);
}
