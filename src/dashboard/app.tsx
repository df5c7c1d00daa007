import { lazy, Suspense } from 'react';
import { OverviewView } from './overview/overview.tsx';
import { useRoute } from './route.ts';
import { Banners } from './shell/banners.tsx';
import { Header } from './shell/header.tsx';

// The chart's library is as large as all the rest: it is fetched with the first bot that is opened.
const BotView = lazy(() => import('./bot/bot-view.tsx'));

export function App() {
	const route = useRoute();
	return (
		<>
			<button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
				Skip to content
			</button>
			<Header route={route} />
			<Banners />
			<main id="main" tabIndex={-1}>
				{route.view === 'bot' ? (
					<Suspense fallback={<p className="empty">Loading</p>}>
						<BotView key={route.botId} botId={route.botId} />
					</Suspense>
				) : (
					<OverviewView section={route.section} />
				)}
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
		</>
	);
}
