/** The short live status under `botbox ready`: one line, rewritten on a terminal, repeated each minute elsewhere. */

import { listView } from '../../database/listing.ts';
import { createPool } from '../../database/pool.ts';

const onTerminalMs = 2_000;
const elsewhereMs = 60_000;

export function showLiveStatus(databaseUrl: string): { stop(): Promise<void> } {
	const pool = createPool({ url: databaseUrl, max: 1, applicationName: 'botbox up status' });
	const { isTTY } = process.stdout;
	const show = async (): Promise<void> => {
		const line = await describe(pool).catch(() => 'the database does not answer');
		process.stdout.write(isTTY ? `\r\u001b[K${line}` : `${line}\n`);
	};
	const timer = setInterval(() => void show(), isTTY ? onTerminalMs : elsewhereMs);
	void show();
	return {
		stop: async () => {
			clearInterval(timer);
			if (isTTY) process.stdout.write('\n');
			await pool.end();
		},
	};
}

async function describe(pool: Parameters<typeof listView>[0]): Promise<string> {
	const [row] = await listView(pool, 'overview');
	if (row === undefined) return 'no figures yet';
	const time = new Date().toISOString().slice(11, 19);
	const live = (Number(row.net_pnl_live) + Number(row.unrealised_pnl_live)).toFixed(2);
	const paper = (Number(row.net_pnl_paper) + Number(row.unrealised_pnl_paper)).toFixed(2);
	return (
		`${time} UTC  ${row.active_bots} bots  checks/h ${row.checks_hour}  signals/h ${row.signals_hour}  trades/h ${row.trades_hour}  ` +
		`queue ${row.queue_depth}  positions ${row.open_positions}  P&L live ${live} paper ${paper}  alerts ${row.open_alerts}`
	);
}
