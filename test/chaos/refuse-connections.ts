/**
 * The drill of a database without free connections: something else takes all of them, and those of the workers are ended, so that
 * every worker meets 53300 for as long as it lasts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Finding, finding } from './books.ts';
import { type DrillOptions, type DrillReport, runDrill } from './drill.ts';
import { readComplaints } from './processes.ts';
import { seededRandom } from './random.ts';

const tooMany = '53300';
/** The drill's own connections, which are left alone. */
const applicationName = 'botbox drill crowd';

export async function drillConnections(options: Omit<DrillOptions, 'happen'>): Promise<DrillReport> {
	const random = seededRandom(options.seed);
	return await runDrill({
		...options,
		expectedError: /^the limiter cannot be reached: reads go by the local one/,
		happen: async (crew, stage) => {
			await sleep(random.next() * 4_000);
			const crowd = new Crowd(options.databaseUrl);
			let refusals = 0;
			try {
				await crowd.takeAll();
				options.log(`${crowd.size} connections taken; those of the workers end`);
				const endsAt = Date.now() + options.seconds * 1_000;
				while (Date.now() < endsAt) {
					await crowd.endOthers();
					refusals += await crowd.takeAll();
					await sleep(100);
				}
			} finally {
				await crowd.leave();
			}
			options.log('connections are free again');
			await sleep(5_000);
			await stage.pool.query('select 1');
			const silent = crew.present.filter(
				({ logPath }) => !readComplaints(logPath).some(({ text }) => text.startsWith('database lost')),
			);
			const unreturned: Finding[] = crew.present.flatMap(({ name, logPath }) => {
				const texts = readComplaints(logPath).map(({ text }) => text);
				const lost = texts.filter((text) => text.startsWith('database lost')).length;
				const back = texts.filter((text) => text.startsWith('database is back')).length;
				return lost === back
					? []
					: finding(`${name} says that the database is back as often as that it is lost`, [{ lost, back }]);
			});
			return [
				...finding('the database refused connections', refusals === 0 ? [{ refusals }] : []),
				...finding(
					'every worker lost the database',
					silent.map(({ name }) => name),
				),
				...unreturned,
			];
		},
	});
}

class Crowd {
	private readonly url: string;
	private readonly held: pg.Client[] = [];

	constructor(url: string) {
		this.url = url;
	}

	get size(): number {
		return this.held.length;
	}

	/** Connects until the server refuses; answers how often it did. */
	async takeAll(): Promise<number> {
		for (;;) {
			const taken = await Promise.allSettled(Array.from({ length: 8 }, () => this.take()));
			const refused = taken.filter(({ status }) => status === 'rejected').length;
			if (refused > 0) return refused;
		}
	}

	async endOthers(): Promise<void> {
		await this.held[0]?.query(
			`select pg_terminate_backend(pid) from pg_stat_activity
			  where backend_type = 'client backend' and application_name <> $1 and application_name not like 'botbox drill%'`,
			[applicationName],
		);
	}

	async leave(): Promise<void> {
		await Promise.all(this.held.splice(0).map((client) => client.end()));
	}

	private async take(): Promise<void> {
		const client = new pg.Client({ connectionString: this.url, application_name: applicationName });
		client.on('error', () => {});
		try {
			await client.connect();
			this.held.push(client);
		} catch (error) {
			if ((error as { code?: string }).code !== tooMany) throw new Error('expected 53300', { cause: error });
			throw error;
		}
	}
}
