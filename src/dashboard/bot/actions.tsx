/** What a token lets one do with a bot. The API decides; a refusal is shown in its own words. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { postJson } from '../api/client.ts';
import type { Bot, Check } from '../api/rows.ts';
import { words } from '../format/words.ts';
import { botHref } from '../route.ts';

interface ActionsProps {
	readonly bot: Bot;
	readonly onChecked: (check: Check) => void;
}

export function Actions({ bot, onChecked }: ActionsProps) {
	const queries = useQueryClient();
	const refresh = (): void => void queries.invalidateQueries();
	const check = useMutation({
		mutationFn: () => postJson<Check>(`bots/${bot.bot_id}/check`, {}),
		onSuccess: onChecked,
		onSettled: refresh,
	});
	const steer = useMutation({
		mutationFn: (verb: 'pause' | 'resume') => postJson<Bot>(`bots/${bot.bot_id}/${verb}`, {}),
		onSuccess: (changed) => queries.setQueryData(['bot', bot.bot_id], changed),
		onSettled: refresh,
	});
	const error = check.error ?? steer.error;
	const isBusy = check.isPending || steer.isPending;
	const verb = bot.status === 'ACTIVE' ? 'pause' : 'resume';
	return (
		<div className="actions">
			<span role="status" className={error === null ? 'muted' : 'bad'}>
				{error !== null
					? error.message
					: check.isPending
						? 'Checking …'
						: check.data === undefined
							? ''
							: outcomeOf(check.data)}
			</span>
			<button type="button" className="primary" disabled={isBusy} onClick={() => check.mutate()}>
				Check now
			</button>
			<button type="button" disabled={isBusy} onClick={() => steer.mutate(verb)}>
				{words(verb)}
			</button>
			<a className="button" href={`${botHref(bot.bot_id)}/edit`}>
				Edit
			</a>
		</div>
	);
}

function outcomeOf(check: Check): string {
	return `Checked: ${words(check.outcome).toLowerCase()}, ${words(check.reason_code).toLowerCase()}`;
}
