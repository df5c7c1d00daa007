/** A bot is changed, on the state that was read: if somebody else was faster, the API refuses, and nothing is overwritten. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getTagged, patchJson } from '../api/client.ts';
import { useBodySchema, useCatalogue, useStrategyVersions } from '../api/queries.ts';
import type { Bot, CatalogueEntry } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import { words } from '../format/words.ts';
import { notify } from '../parts/notices.tsx';
import { Empty, Loaded, ViewHead } from '../parts/panel.tsx';
import { botHref } from '../route.ts';
import { BotForm } from './bot-form.tsx';
import { changesOf, fieldsOf } from './parameters.ts';
import { partial, type Schema, validate, type Wrong } from './schema.ts';
import { settingsOf, valuesOf } from './values.ts';

interface Tagged {
	readonly body: Bot;
	readonly etag: string;
}

export default function EditBotView({ botId }: { readonly botId: number }) {
	const mayChange = useMayChange();
	const bot = useQuery({
		queryKey: ['bot as read', botId],
		queryFn: ({ signal }) => getTagged<Bot>(`bots/${botId}`, signal),
		// Read once: what is typed is a change of this state.
		staleTime: Number.POSITIVE_INFINITY,
		gcTime: 0,
	});
	const catalogue = useCatalogue();
	const versions = useStrategyVersions();
	const schema = useBodySchema('/api/v1/bots/{id}', 'patch');
	return (
		<>
			<ViewHead title="Edit bot" note={bot.data?.body.name} />
			{mayChange ? (
				<Loaded of={bot}>
					{(read) => (
						<Loaded of={catalogue}>
							{(strategies) => (
								<Loaded of={versions}>
									{({ items }) => (
										<Loaded of={schema}>
											{(body) => (
												<EditForm
													read={read}
													strategy={strategies.find(({ name }) => name === read.body.strategy)}
													parameters={
														items.find((each) => each.strategy_version_id === read.body.strategy_version_id)?.parameters
													}
													body={body}
												/>
											)}
										</Loaded>
									)}
								</Loaded>
							)}
						</Loaded>
					)}
				</Loaded>
			) : (
				<Empty>Log in with a token of role operator first.</Empty>
			)}
		</>
	);
}

interface EditFormProps {
	readonly read: Tagged;
	readonly strategy: CatalogueEntry | undefined;
	/** Of the bot's version. */
	readonly parameters: unknown;
	/** Of the request, from the API's document. */
	readonly body: Schema;
}

function EditForm({ read: { body: bot, etag }, strategy, parameters, body }: EditFormProps) {
	const [values, setValues] = useState(() => valuesOf(bot));
	const [entered, setEntered] = useState<ReadonlyMap<string, string>>(new Map());
	const schema = strategy?.schema as Schema | undefined;
	const fields = schema === undefined || parameters === undefined ? [] : fieldsOf(schema, parameters);
	const changes = changesOf(fields, entered);
	const request = {
		...differences(settingsOf(valuesOf(bot)), settingsOf(values)),
		...(Object.keys(changes).length === 0 ? {} : { parameters: changes }),
	};
	const check = (): readonly Wrong[] => [
		...validate(body, request),
		...validate(partial(schema), changes, 'parameters'),
		...(Object.keys(request).length === 0 ? [{ field: '', message: 'nothing is changed' }] : []),
	];
	return (
		<BotForm
			values={values}
			onChange={setValues}
			parameters={fields}
			parametersNote="of the bot's own version; a change makes another version"
			entered={entered}
			onEnter={(path, text) => setEntered(new Map(entered).set(path, text))}
			check={check}
			send={() => patchJson<Bot>(`bots/${bot.bot_id}`, request, etag)}
			onDone={(changed) => {
				notify(`${changed.name} is changed; it holds from its next check on.`);
				window.location.hash = botHref(bot.bot_id);
			}}
			submit="Save changes"
			cancelHref={botHref(bot.bot_id)}
			basis={() => (
				<p className="muted fixed">
					{words(bot.strategy)} on {bot.symbol}
					{bot.second_symbol === null ? '' : ` and ${bot.second_symbol}`}, account {bot.account} ({bot.account_mode}):
					these are fixed.
				</p>
			)}
		/>
	);
}

/** What is not as it was; a field that was emptied counts as changed, for the validation to refuse. */
function differences(before: Record<string, unknown>, now: Record<string, unknown>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== before[name]));
}
