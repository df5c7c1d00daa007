/** Many bots paused or resumed at once, each by its own request; those that are refused are named. */
import { postJson } from '../api/client.ts';
import type { Bot } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { ActionDialog, ReasonField, textOf } from '../parts/action-dialog.tsx';
import { notify } from '../parts/notices.tsx';

/** As many requests are out at a time. */
const atOnce = 8;

interface BulkActionsProps {
	/** Those that were chosen. */
	readonly bots: readonly Bot[];
	readonly onDone: () => void;
}

export function BulkActions({ bots, onDone }: BulkActionsProps) {
	const active = bots.filter(({ status }) => status === 'ACTIVE');
	const paused = bots.filter(({ status }) => status !== 'ACTIVE');
	return (
		<section className="bulk" aria-label="Chosen bots">
			<strong>{countOf(bots.length)} chosen</strong>
			<ActionDialog
				button={`Pause ${numbers.count(active.length)}`}
				disabled={active.length === 0}
				title={`Pause ${countOf(active.length)}?`}
				confirm="Pause"
				run={async (fields) => {
					await steerAll('pause', active, textOf(fields, 'reason'));
					onDone();
				}}
			>
				<p className="muted">They are not checked until they are resumed. Their positions and stops stay.</p>
				<ReasonField />
			</ActionDialog>
			<ActionDialog
				button={`Resume ${numbers.count(paused.length)}`}
				disabled={paused.length === 0}
				title={`Resume ${countOf(paused.length)}?`}
				confirm="Resume"
				run={async (fields) => {
					await steerAll('resume', paused, textOf(fields, 'reason'));
					onDone();
				}}
			>
				<p className="muted">They are checked again from the next point of their intervals on.</p>
				<ReasonField />
			</ActionDialog>
			<button type="button" className="link" onClick={onDone}>
				Choose none
			</button>
		</section>
	);
}

async function steerAll(verb: 'pause' | 'resume', bots: readonly Bot[], reason: string): Promise<void> {
	const refused: string[] = [];
	const rest = [...bots];
	const work = async (): Promise<void> => {
		for (let bot = rest.pop(); bot !== undefined; bot = rest.pop()) {
			try {
				await postJson(`bots/${bot.bot_id}/${verb}`, { reason });
			} catch (error) {
				refused.push(`${bot.name}: ${error instanceof Error ? error.message : String(error)}`);
			}
		}
	};
	await Promise.all(Array.from({ length: atOnce }, work));
	if (refused.length === bots.length && refused[0] !== undefined) throw new Error(refused[0]);
	const done = `${countOf(bots.length - refused.length)} ${verb}d.`;
	if (refused.length === 0) notify(done);
	else notify(`${done} ${countOf(refused.length)} refused, the first: ${refused[0]}`, 'bad');
}

const countOf = (count: number): string => `${numbers.count(count)} ${count === 1 ? 'bot' : 'bots'}`;
