/** What stops and starts the whole system or an account: pause, resume, flatten, each confirmed, each with its reason. */
import { useId } from 'react';
import { deleteJson, postJson } from '../api/client.ts';
import { usePauses } from '../api/queries.ts';
import type { Pause } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { ActionDialog, ReasonField, textOf } from '../parts/action-dialog.tsx';
import { notify } from '../parts/notices.tsx';

/** What an action is about, as the API takes it. */
export type Subject =
	| { readonly scope: 'ALL' }
	| { readonly scope: 'ACCOUNT'; readonly account_id: number }
	| { readonly scope: 'BOT'; readonly bot_id: number };

interface ControlProps {
	readonly subject: Subject;
	/** What it is called in a sentence: `all bots`, `account demo-paper`. */
	readonly name: string;
}

const durations = [
	['', 'until it is resumed'],
	['15', '15 minutes'],
	['60', '1 hour'],
	['240', '4 hours'],
	['1440', '1 day'],
] as const;

export function PauseButton({ subject, name, button = 'Pause' }: ControlProps & { readonly button?: string }) {
	const durationId = useId();
	return (
		<ActionDialog
			button={button}
			label={button === 'Pause' ? `Pause ${name}` : button}
			title={`Pause entries of ${name}?`}
			confirm="Pause"
			run={async (fields) => {
				const minutes = textOf(fields, 'minutes');
				await postJson('pauses', {
					...subject,
					reason: textOf(fields, 'reason'),
					...(minutes === '' ? {} : { for_minutes: Number(minutes) }),
				});
				notify(`Entries of ${name} are paused.`);
			}}
		>
			<p className="muted">
				No position is opened while it holds. Checks go on; positions keep their stops and are closed as ever.
			</p>
			<ReasonField placeholder="What the others should know" />
			<div className="field">
				<label htmlFor={durationId}>For</label>
				<select id={durationId} name="minutes" defaultValue="">
					{durations.map(([value, title]) => (
						<option key={value} value={value}>
							{title}
						</option>
					))}
				</select>
			</div>
		</ActionDialog>
	);
}

/** Lifts the pauses of exactly this subject; nothing where there are none. */
export function ResumeButton({ subject, name, button = 'Resume' }: ControlProps & { readonly button?: string }) {
	const { data } = usePauses();
	const pause = data?.items.find((each) => isOf(each, subject));
	if (pause === undefined) return null;
	return (
		<ActionDialog
			button={button}
			label={button === 'Resume' ? `Resume ${name}` : button}
			title={`Resume entries of ${name}?`}
			confirm="Resume"
			run={async () => {
				await deleteJson(`pauses/${pause.pause_id}`);
				notify(`Entries of ${name} go on.`);
			}}
		>
			<p className="muted">
				Paused by {pause.created_by}: {pause.reason}. Pauses of a narrower scope stay in force.
			</p>
		</ActionDialog>
	);
}

function isOf(pause: Pause, subject: Subject): boolean {
	if (pause.scope !== subject.scope) return false;
	if (subject.scope === 'ACCOUNT') return pause.account_id === subject.account_id;
	return subject.scope === 'ALL' || pause.bot_id === subject.bot_id;
}

interface Flattened {
	readonly items: readonly { readonly kind: 'ENTRY' | 'POSITION'; readonly outcome: string }[];
}

export function FlattenButton({ subject, name, positions }: ControlProps & { readonly positions: number | undefined }) {
	return (
		<ActionDialog
			button="Flatten"
			className="danger-quiet"
			label={`Flatten ${name}`}
			title={`Flatten ${name}?`}
			confirm={positions === undefined || positions === 0 ? 'Flatten' : `Close ${countOf(positions, 'position')}`}
			isDanger
			run={async (fields) => {
				const { items } = await postJson<Flattened>('flatten', { ...subject, reason: textOf(fields, 'reason') });
				const refused = items.filter(({ outcome }) => outcome === 'REFUSED').length;
				const closing = items.filter(({ kind }) => kind === 'POSITION').length - refused;
				notify(
					`${countOf(closing, 'position')} of ${name} ${closing === 1 ? 'is' : 'are'} being closed${refused > 0 ? `; ${numbers.count(refused)} refused` : ''}.`,
					refused > 0 ? 'bad' : 'good',
				);
			}}
		>
			<p>
				Entries are paused, those that wait are cancelled, and every open position is closed at the market price. This
				cannot be taken back.
			</p>
			<ReasonField placeholder="Why everything has to go" />
		</ActionDialog>
	);
}

const countOf = (count: number, noun: string): string => `${numbers.count(count)} ${count === 1 ? noun : `${noun}s`}`;
