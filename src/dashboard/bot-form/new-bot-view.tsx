/** A bot is made: strategy, account and market are chosen, everything else has a value that can be changed. */
import { useState } from 'react';
import { postJson } from '../api/client.ts';
import { useAccounts, useBodySchema, useCatalogue } from '../api/queries.ts';
import type { Account, Bot, CatalogueEntry, Instrument } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import { notify } from '../parts/notices.tsx';
import { Empty, Loaded, ViewHead } from '../parts/panel.tsx';
import { botHref } from '../route.ts';
import { BotForm } from './bot-form.tsx';
import { ChoiceField } from './field.tsx';
import { MarketField } from './market-field.tsx';
import { changesOf, fieldsOf } from './parameters.ts';
import { partial, type Schema, validate, type Wrong } from './schema.ts';
import { type BotValues, emptyBot, settingsOf } from './values.ts';

export default function NewBotView() {
	const mayChange = useMayChange();
	const catalogue = useCatalogue();
	const accounts = useAccounts();
	const schema = useBodySchema('/api/v1/bots', 'post');
	return (
		<>
			<ViewHead title="New bot" />
			{!mayChange ? (
				<Empty>Log in with a token of role operator first.</Empty>
			) : (
				<Loaded of={catalogue}>
					{(strategies) => (
						<Loaded of={accounts}>
							{({ items }) => (
								<Loaded of={schema}>
									{(body) => {
										const [strategy, account] = [strategies[0], items[0]];
										if (strategy === undefined) return <Empty>There is no strategy to make a bot of.</Empty>;
										if (account === undefined) {
											return (
												<Empty>
													A bot trades on an account, and there is none yet: create one with{' '}
													<code>botbox accounts create</code>.
												</Empty>
											);
										}
										return <NewBotForm strategies={strategies} accounts={items} body={body} />;
									}}
								</Loaded>
							)}
						</Loaded>
					)}
				</Loaded>
			)}
		</>
	);
}

interface NewBotFormProps {
	readonly strategies: readonly CatalogueEntry[];
	readonly accounts: readonly Account[];
	/** Of the request, from the API's document. */
	readonly body: Schema;
}

function NewBotForm({ strategies, accounts, body }: NewBotFormProps) {
	const [values, setValues] = useState<BotValues>(() => ({
		...emptyBot,
		strategy: strategies[0]?.name ?? '',
		account_id: String(accounts[0]?.account_id ?? ''),
		interval_minutes: String(strategies[0]?.default_interval_minutes ?? 15),
	}));
	const [market, setMarket] = useState<Instrument | null>(null);
	const [second, setSecond] = useState<Instrument | null>(null);
	const [entered, setEntered] = useState<ReadonlyMap<string, string>>(new Map());
	const strategy = strategies.find(({ name }) => name === values.strategy);
	const account = accounts.find(({ account_id }) => String(account_id) === values.account_id);
	const parameters = strategy === undefined ? [] : fieldsOf(strategy.schema as Schema, strategy.defaults);
	const changes = changesOf(parameters, entered);
	const request = {
		...settingsOf(values),
		strategy: values.strategy,
		parameters: changes,
		account_id: Number(values.account_id),
		...(market === null ? {} : { instrument_id: market.instrument_id }),
		...(strategy?.legs === 2 && second !== null ? { second_instrument_id: second.instrument_id } : {}),
	};
	const check = (): readonly Wrong[] => [
		...validate(body, request),
		...(strategy?.legs === 2 && second === null ? [{ field: 'second_instrument_id', message: 'is needed' }] : []),
		// Parameters that were left alone have their defaults.
		...validate(partial(strategy?.schema as Schema | undefined), changes, 'parameters'),
	];
	return (
		<BotForm
			values={values}
			onChange={setValues}
			parameters={parameters}
			parametersNote="of the strategy; what is not changed stays at its default"
			entered={entered}
			onEnter={(path, text) => setEntered(new Map(entered).set(path, text))}
			check={check}
			send={() => postJson<Bot>('bots', request)}
			onDone={(bot) => {
				notify(`${bot.name} is made; its first check comes at the next point of its interval.`);
				window.location.hash = botHref(bot.bot_id);
			}}
			submit="Create bot"
			cancelHref="#/bots"
			basis={(problems) => (
				<>
					<ChoiceField
						title="Strategy"
						options={strategies.map(({ name, title }) => [name, title] as const)}
						value={values.strategy}
						problem={problems.get('strategy')}
						onChange={(name) => {
							const chosen = strategies.find((each) => each.name === name);
							setValues({
								...values,
								strategy: name,
								interval_minutes: String(chosen?.default_interval_minutes ?? values.interval_minutes),
							});
							setEntered(new Map());
						}}
					/>
					<ChoiceField
						title="Account"
						hint={account?.mode === 'LIVE' ? 'LIVE: it trades with money' : undefined}
						options={accounts.map(({ account_id, name, mode }) => [String(account_id), `${name}, ${mode}`] as const)}
						value={values.account_id}
						problem={problems.get('account_id')}
						onChange={(account_id) => setValues({ ...values, account_id })}
					/>
					<MarketField
						title={strategy?.legs === 2 ? 'Market of the first leg' : 'Market'}
						exchangeId={account?.exchange_id ?? ''}
						problem={problems.get('instrument_id')}
						onChoose={setMarket}
					/>
					{strategy?.legs === 2 ? (
						<MarketField
							title="Perpetual of the second leg"
							exchangeId={account?.exchange_id ?? ''}
							problem={problems.get('second_instrument_id')}
							onChoose={setSecond}
						/>
					) : null}
				</>
			)}
		/>
	);
}
