import { lazy, Suspense, useEffect, useRef } from 'react';
import { AlertsView } from './alerts/alerts-view.tsx';
import { useLiveEvents } from './api/live.ts';
import { useOverview } from './api/queries.ts';
import { BotsView } from './bots/bots-view.tsx';
import { ExchangesView } from './exchanges/exchanges-view.tsx';
import { OverviewView } from './overview/overview.tsx';
import { Notices } from './parts/notices.tsx';
import { PositionsView } from './positions/positions-view.tsx';
import { QueueView } from './queue/queue-view.tsx';
import { RiskView } from './risk/risk-view.tsx';
import { type Route, useRoute } from './route.ts';
import { Banners } from './shell/banners.tsx';
import { Navigation } from './shell/navigation.tsx';
import { SignalsView } from './signals/signals-view.tsx';
import { StrategiesView } from './strategies/strategies-view.tsx';

// The chart's library is as large as all the rest: it is fetched with the first bot that is opened.
const BotView = lazy(() => import('./bot/bot-view.tsx'));
const EditBotView = lazy(() => import('./bot-form/edit-bot-view.tsx'));
const NewBotView = lazy(() => import('./bot-form/new-bot-view.tsx'));

export function App() {
	const route = useRoute();
	useViewChange(route);
	const { data, isError } = useOverview();
	useLiveEvents(data !== undefined && !isError);
	return (
		<div className="app">
			<button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
				Skip to content
			</button>
			<Navigation route={route} />
			<div className="page">
				<Banners />
				<main id="main" tabIndex={-1}>
					<Suspense fallback={<p className="empty">Loading</p>}>
						<CurrentView route={route} />
					</Suspense>
				</main>
				<footer>
					<span>Times are relative; point at one for the exact time.</span>
					<span className="links">
						<a href="/docs">API</a> · Charts by{' '}
						<a href="https://www.tradingview.com/" rel="noreferrer">
							TradingView Lightweight Charts™
						</a>
					</span>
				</footer>
			</div>
			<Notices />
		</div>
	);
}

function CurrentView({ route }: { readonly route: Route }) {
	switch (route.view) {
		case 'overview':
			return <OverviewView />;
		case 'bots':
			return <BotsView />;
		case 'bot':
			return <BotView key={route.botId} botId={route.botId} />;
		case 'edit-bot':
			return <EditBotView key={route.botId} botId={route.botId} />;
		case 'new-bot':
			return <NewBotView />;
		case 'signals':
			return <SignalsView />;
		case 'queue':
			return <QueueView />;
		case 'positions':
			return <PositionsView />;
		case 'risk':
			return <RiskView />;
		case 'exchanges':
			return <ExchangesView />;
		case 'strategies':
			return <StrategiesView />;
		case 'alerts':
			return <AlertsView />;
		case 'missing':
			return (
				<div className="missing">
					<h1>There is no such view</h1>
					<p>
						<a href="#/">Overview</a>
					</p>
				</div>
			);
	}
}

/** Another view begins at its top, and readers of the screen hear that it began. */
function useViewChange(route: Route): void {
	const place = 'botId' in route ? `${route.view} ${route.botId}` : route.view;
	const last = useRef(place);
	useEffect(() => {
		if (last.current === place) return;
		last.current = place;
		window.scrollTo(0, 0);
		document.getElementById('main')?.focus({ preventScroll: true });
	}, [place]);
}
