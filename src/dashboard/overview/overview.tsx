import { useEffect } from 'react';
import { useOverview } from '../api/queries.ts';
import { Loaded } from '../parts/panel.tsx';
import { BotsPanel } from './bots.tsx';
import { Figures } from './figures.tsx';
import { OrdersPanel, PositionsPanel, SignalsPanel, TradesPanel } from './lists.tsx';
import { AccountsPanel, AlertsPanel, ExchangesPanel, RejectionsPanel, WorkersPanel } from './side.tsx';

const few = 14;

export function OverviewView({ section }: { readonly section: string | null }) {
	const overview = useOverview();
	useEffect(() => {
		document.title = 'botbox';
		if (section === null) return;
		const panel = document.getElementById(section);
		panel?.scrollIntoView({ block: 'start' });
		panel?.focus({ preventScroll: true });
	}, [section]);
	// A short list leaves room for what would else stand below.
	const isFew = (overview.data?.bots ?? few) < few;
	return (
		<>
			<h1 className="hidden">Overview</h1>
			<Loaded of={overview}>{(data) => <Figures overview={data} />}</Loaded>
			<div className="beside">
				<div className="main-panels">
					<BotsPanel isFew={isFew} />
					{isFew ? (
						<>
							<SignalsPanel />
							<TradesPanel />
						</>
					) : null}
				</div>
				<div className="side-panels">
					<AlertsPanel />
					<AccountsPanel />
					<ExchangesPanel />
					<RejectionsPanel />
					<WorkersPanel />
				</div>
			</div>
			<PositionsPanel />
			{isFew ? (
				<OrdersPanel />
			) : (
				<>
					<SignalsPanel />
					<div className="halves">
						<TradesPanel />
						<OrdersPanel />
					</div>
				</>
			)}
		</>
	);
}
