import { useOverview } from '../api/queries.ts';
import { exact, relative, useNow } from '../format/times.ts';

/** Answers older than this are not live. */
const liveMs = 10_000;

export function Liveness() {
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
