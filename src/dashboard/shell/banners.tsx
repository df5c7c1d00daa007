import { ApiError } from '../api/client.ts';
import { useAccounts, useBot, useOverview, usePauses } from '../api/queries.ts';
import type { Account, Pause } from '../api/rows.ts';
import { useLinkProblem } from '../api/session.ts';
import { clockTime, minuteTime } from '../format/times.ts';
import { Ago } from '../parts/figures.tsx';
import { botHref } from '../route.ts';

export function Banners() {
	return (
		<>
			<ConnectionBanner />
			<LinkBanner />
			<PauseBanner />
		</>
	);
}

function ConnectionBanner() {
	const { error, data, dataUpdatedAt } = useOverview();
	if (error === null) return null;
	const { title, advice } = explain(error);
	return (
		<div className="banner bad" role="alert">
			<strong>{title}</strong>
			<span>
				{advice}
				{data === undefined ? '' : ` What is shown is of ${clockTime(dataUpdatedAt)}.`}
			</span>
		</div>
	);
}

function LinkBanner() {
	const problem = useLinkProblem();
	if (problem === null) return null;
	return (
		<div className="banner warn" role="alert">
			<strong>This login link does not work.</strong>
			<span>
				{problem} Log in with a token: <code>botbox tokens create --role operator --name me</code> makes one; so does a
				restart of <code>botbox up</code> a new link.
			</span>
		</div>
	);
}

function explain(error: Error): { readonly title: string; readonly advice: string } {
	const status = error instanceof ApiError ? error.status : null;
	if (status === 401 || status === 403) {
		return {
			title: 'You are not logged in.',
			advice: 'botbox tokens create makes one; log in with it.',
		};
	}
	if (status === 0) return { title: 'The API does not answer.', advice: 'Is botbox running? This page keeps trying.' };
	if (status === 503) return { title: 'The database does not answer.', advice: 'This page keeps trying.' };
	return { title: 'The figures cannot be read.', advice: error.message };
}

function PauseBanner() {
	const { data } = usePauses();
	const accounts = useAccounts().data?.items ?? [];
	const pauses = data?.items ?? [];
	if (pauses.length === 0) return null;
	return (
		<div className="banner warn" role="status">
			<strong>
				{pauses.some(({ scope }) => scope === 'ALL') ? 'All entries are paused.' : 'Some entries are paused.'}
			</strong>
			<ul>
				{pauses.slice(0, 3).map((pause) => (
					<li key={pause.pause_id}>
						<PauseSubject pause={pause} accounts={accounts} />: {pause.reason}{' '}
						<span className="muted">
							by {pause.created_by}, {until(pause)}
						</span>
					</li>
				))}
				{pauses.length > 3 ? <li>and {pauses.length - 3} more</li> : null}
			</ul>
		</div>
	);
}

function PauseSubject({ pause, accounts }: { readonly pause: Pause; readonly accounts: readonly Account[] }) {
	if (pause.bot_id !== null) return <BotName botId={pause.bot_id} />;
	if (pause.account_id !== null) {
		const account = accounts.find(({ account_id }) => account_id === pause.account_id);
		return <>account {account?.name ?? pause.account_id}</>;
	}
	return <>{pause.exchange_id === null ? 'all bots' : `exchange ${pause.exchange_id}`}</>;
}

function BotName({ botId }: { readonly botId: number }) {
	const { data } = useBot(botId);
	return <a href={botHref(botId)}>{data?.name ?? `bot ${botId}`}</a>;
}

function until(pause: Pause) {
	if (pause.lifts_at === null) return 'until it is lifted';
	return (
		<>
			until {minuteTime(pause.lifts_at)} (<Ago at={pause.lifts_at} />)
		</>
	);
}
