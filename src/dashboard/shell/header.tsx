import { useOverview } from '../api/queries.ts';
import * as numbers from '../format/numbers.ts';
import { exact, relative, useNow } from '../format/times.ts';
import type { Route } from '../route.ts';
import { TokenButton } from './token-dialog.tsx';

const sections = [
	['', 'Overview'],
	['bots', 'Bots'],
	['positions', 'Positions'],
	['signals', 'Signals'],
	['queue', 'Queue'],
	['orders', 'Orders'],
] as const;

export function Header({ route }: { readonly route: Route }) {
	const current = route.view === 'overview' ? (route.section ?? '') : 'bots';
	return (
		<header className="top">
			<a className="brand" href="#/">
				<svg viewBox="0 0 32 32" aria-hidden="true">
					<rect className="tile" width="32" height="32" rx="8" />
					<path d="M9 9v5M9 20v3M16 7v4M16 20v5M23 8v3M23 18v5" />
					<path className="bodies" d="M6.5 14h5v6h-5zM13.5 11h5v9h-5zM20.5 11h5v7h-5z" />
				</svg>
				botbox
			</a>
			<nav aria-label="Sections">
				{sections.map(([id, title]) => (
					<a key={id} href={`#/${id}`} aria-current={current === id ? 'page' : undefined}>
						{title}
					</a>
				))}
			</nav>
			<div className="state">
				<AlertCount />
				<Liveness />
				<TokenButton />
			</div>
		</header>
	);
}

function AlertCount() {
	const { data } = useOverview();
	if (data === undefined || data.open_alerts === 0) return null;
	return (
		<a className="badge bad" href="#/alerts">
			{numbers.count(data.open_alerts)} {data.open_alerts === 1 ? 'alert' : 'alerts'}
		</a>
	);
}

/** Answers older than this are not live. */
const liveMs = 10_000;

function Liveness() {
	const { data, isError } = useOverview();
	const now = useNow();
	if (data === undefined) return <span className="live">{isError ? 'No answer' : 'Connecting'}</span>;
	const asOf = Date.parse(data.as_of);
	const isLive = !isError && now - asOf < liveMs;
	return (
		<span className={isLive ? 'live on' : 'live off'} title={`As of ${exact(data.as_of)}`}>
			<span className="dot" aria-hidden="true" />
			{isLive ? 'Live' : 'Not live'}
			<span className="age">{relative(asOf, now)}</span>
		</span>
	);
}
