/** Many bots paused or resumed at once, all or none. */
import { postJson } from '../api/client.ts';
import type { Bot } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { ActionDialog, ReasonField, textOf } from '../parts/action-dialog.tsx';
import { notify } from '../parts/notices.tsx';

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

interface Moved {
	readonly items: readonly { readonly is_changed: boolean }[];
	readonly missing: readonly number[];
}

async function steerAll(verb: 'pause' | 'resume', bots: readonly Bot[], reason: string): Promise<void> {
	const bot_ids = bots.map(({ bot_id }) => bot_id);
	const { items, missing } = await postJson<Moved>(`bots/${verb}`, { bot_ids, reason });
	const gone = missing.length === 0 ? '' : `; ${countOf(missing.length)} ${missing.length === 1 ? 'is' : 'are'} gone`;
	notify(`${countOf(items.length)} ${verb}d${gone}.`);
}

const countOf = (count: number): string => `${numbers.count(count)} ${count === 1 ? 'bot' : 'bots'}`;
