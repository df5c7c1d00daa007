/** The way between the views: a rail beside them, on a narrow screen a bar below and a sheet with all of them. */
import { useRef } from 'react';
import { useOverview } from '../api/queries.ts';
import type { Overview } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { useMedia } from '../parts/media.ts';
import { type Route, type View, viewHref } from '../route.ts';
import { Icon, Logo } from './icons.tsx';
import { Liveness } from './liveness.tsx';
import { TokenButton } from './token-dialog.tsx';

const titles: Readonly<Record<View, string>> = {
	overview: 'Overview',
	bots: 'Bots',
	signals: 'Signals',
	queue: 'Queue and orders',
	positions: 'Positions',
	risk: 'Risk',
	exchanges: 'Exchanges',
	strategies: 'Strategies',
	alerts: 'Alerts',
};
const groups: readonly { readonly title: string; readonly views: readonly View[] }[] = [
	{ title: 'Trading', views: ['overview', 'bots', 'signals', 'queue', 'positions'] },
	{ title: 'System', views: ['risk', 'exchanges', 'strategies', 'alerts'] },
];
const ofBar: readonly View[] = ['overview', 'bots', 'positions', 'alerts'];

export function Navigation({ route }: { readonly route: Route }) {
	const isNarrow = useMedia('(max-width: 900px)');
	const { view } = route;
	const current = view === 'bot' || view === 'edit-bot' || view === 'new-bot' ? 'bots' : view;
	return isNarrow ? <NarrowNavigation current={current} /> : <Rail current={current} />;
}

interface Current {
	readonly current: View | 'missing';
}

function Brand() {
	return (
		<a className="brand" href="#/">
			<Logo />
			botbox
		</a>
	);
}

function Rail({ current }: Current) {
	return (
		<header className="rail">
			<Brand />
			<nav aria-label="Views">
				<AllViews current={current} />
			</nav>
			<div className="state">
				<Liveness />
				<TokenButton />
			</div>
		</header>
	);
}

function AllViews({ current, onGo }: Current & { readonly onGo?: () => void }) {
	return groups.map((group) => (
		<div className="group" key={group.title}>
			<p className="group-title">{group.title}</p>
			<ul>
				{group.views.map((view) => (
					<li key={view}>
						<ViewLink view={view} isCurrent={current === view} {...(onGo === undefined ? {} : { onGo })} />
					</li>
				))}
			</ul>
		</div>
	));
}

interface ViewLinkProps {
	readonly view: View;
	readonly isCurrent: boolean;
	readonly onGo?: () => void;
}

function ViewLink({ view, isCurrent, onGo }: ViewLinkProps) {
	return (
		<a href={viewHref(view)} aria-current={isCurrent ? 'page' : undefined} onClick={onGo}>
			<Icon of={view} />
			<span className="name">{titles[view]}</span>
			<Count of={view} />
		</a>
	);
}

/** What waits for somebody in a view. */
function Count({ of: view }: { readonly of: View }) {
	const { data } = useOverview();
	const count = data === undefined ? 0 : (countOf[view]?.(data) ?? 0);
	if (count === 0) return null;
	return (
		<span className={view === 'alerts' ? 'count bad' : 'count'}>
			{numbers.count(count)}
			<span className="hidden"> {view === 'alerts' ? 'open' : ''}</span>
		</span>
	);
}

const countOf: Partial<Record<View, (overview: Overview) => number>> = {
	bots: ({ bots }) => bots,
	queue: ({ queue_depth }) => queue_depth,
	positions: ({ open_positions }) => open_positions,
	alerts: ({ open_alerts }) => open_alerts,
};

function NarrowNavigation({ current }: Current) {
	const sheet = useRef<HTMLDialogElement>(null);
	return (
		<>
			<header className="top">
				<Brand />
				<div className="state">
					<Liveness />
					<TokenButton />
				</div>
			</header>
			<nav className="bar" aria-label="Views">
				{ofBar.map((view) => (
					<ViewLink key={view} view={view} isCurrent={current === view} />
				))}
				<button
					type="button"
					aria-haspopup="dialog"
					className={current === 'missing' || ofBar.includes(current) ? undefined : 'current'}
					onClick={() => sheet.current?.showModal()}
				>
					<Icon of="more" />
					<span className="name">More</span>
				</button>
			</nav>
			<dialog ref={sheet} className="sheet" aria-label="All views">
				<nav aria-label="All views">
					<AllViews current={current} onGo={() => sheet.current?.close()} />
				</nav>
				<button type="button" onClick={() => sheet.current?.close()}>
					Close
				</button>
			</dialog>
		</>
	);
}
