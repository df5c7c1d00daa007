import { useQuery } from '@tanstack/react-query';
import { getJson } from './api/client.ts';
import type { Bot, Overview } from './api/rows.ts';

export function App() {
	const overview = useQuery({
		queryKey: ['overview'],
		queryFn: ({ signal }) => getJson<Overview>('overview', {}, signal),
		refetchInterval: 2_000,
	});
	const bots = useQuery({
		queryKey: ['bots'],
		queryFn: ({ signal }) => getJson<{ readonly items: readonly Bot[] }>('bots', {}, signal),
		refetchInterval: 3_000,
	});
	return (
		<main>
			<h1>botbox</h1>
			<p>
				{overview.data === undefined
					? 'Loading'
					: `${overview.data.active_bots} active bots, ${overview.data.signals_hour} signals and ${overview.data.trades_hour} trades in the last hour`}
			</p>
			<table>
				<caption>Bots</caption>
				<thead>
					<tr>
						<th scope="col">Bot</th>
						<th scope="col">Status</th>
						<th scope="col">Symbol</th>
					</tr>
				</thead>
				<tbody>
					{bots.data?.items.map((bot) => (
						<tr key={bot.bot_id}>
							<th scope="row">{bot.name}</th>
							<td>{bot.status}</td>
							<td>{bot.symbol}</td>
						</tr>
					))}
				</tbody>
			</table>
		</main>
	);
}
