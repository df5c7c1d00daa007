/** All bots: found, filtered, sorted, and many of them paused or resumed at once. */
import { useDeferredValue, useMemo, useState } from 'react';
import { useBots } from '../api/queries.ts';
import type { Bot } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Select } from '../parts/choice.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Empty, Loaded, Panel, ViewHead } from '../parts/panel.tsx';
import { useFilter } from '../route.ts';
import { botColumns } from './bot-columns.tsx';
import { BulkActions } from './bulk-actions.tsx';

export function BotsView() {
	const mayChange = useMayChange();
	const [search, setSearch] = useFilter('q');
	const [status, setStatus] = useFilter('status');
	const [strategy, setStrategy] = useFilter('strategy');
	const [account, setAccount] = useFilter('account');
	const wanted = useDeferredValue(search.trim().toLowerCase());
	const all = useBots('');
	const isCut = all.data?.isCut ?? false;
	// Beyond what is loaded, the API searches.
	const searched = useBots(isCut ? wanted : '');
	const bots = isCut && wanted !== '' ? searched : all;
	const matching = useMemo(() => {
		const items = bots.data?.items ?? [];
		const matches = isCut ? () => true : matcher(wanted);
		return items.filter(
			(bot) =>
				matches(bot) &&
				(status === '' || statusOf(bot) === status) &&
				(strategy === '' || bot.strategy === strategy) &&
				(account === '' || bot.account === account),
		);
	}, [bots.data, isCut, wanted, status, strategy, account]);
	const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
	// What is filtered out is not acted upon, though it is remembered.
	const chosen = useMemo(() => matching.filter(({ bot_id }) => selected.has(bot_id)), [matching, selected]);
	const columns = useMemo(
		() => (!mayChange ? botColumns : [selectionColumn(matching, selected, setSelected), ...botColumns]),
		[mayChange, matching, selected],
	);
	const items = all.data?.items ?? [];
	const isFiltered = wanted + status + strategy + account !== '';
	return (
		<>
			<ViewHead title="Bots">
				<a className="button primary" href="#/bots/new">
					New bot
				</a>
			</ViewHead>
			<Panel
				title="Bots"
				className="tall"
				note={bots.data === undefined ? undefined : countNote(matching.length, bots.data.items.length, isCut)}
				tools={
					<>
						<Select legend="Status" options={statuses} value={status} onChange={setStatus} />
						<Select
							legend="Strategy"
							options={optionsOf('Any strategy', items, (bot) => bot.strategy, words)}
							value={strategy}
							onChange={setStrategy}
						/>
						<Select
							legend="Account"
							options={optionsOf('Any account', items, (bot) => bot.account)}
							value={account}
							onChange={setAccount}
						/>
						<input
							type="search"
							aria-label="Filter bots"
							placeholder="Name, symbol, reason …"
							value={search}
							onChange={(event) => setSearch(event.target.value)}
						/>
					</>
				}
			>
				{chosen.length === 0 ? null : <BulkActions bots={chosen} onDone={() => setSelected(new Set())} />}
				<Loaded of={bots}>
					{() =>
						matching.length === 0 ? (
							<Empty>
								{isFiltered ? (
									'No bot matches.'
								) : (
									<>
										There are no bots yet. <a href="#/bots/new">Create one</a>.
									</>
								)}
							</Empty>
						) : (
							<DataTable
								caption="Bots"
								name="bots"
								className="fill"
								columns={columns}
								rows={matching}
								rowKey={(bot) => bot.bot_id}
								isSelected={(bot) => selected.has(bot.bot_id)}
							/>
						)
					}
				</Loaded>
			</Panel>
		</>
	);
}

const statuses = [
	['', 'Any status'],
	['ACTIVE', 'Active'],
	['PAUSED', 'Paused'],
	['STOPPED', 'Stopped'],
] as const;

/** As it is shown: a bot whose entries a pause in force stops counts as paused. */
const statusOf = (bot: Bot): string => (bot.status === 'ACTIVE' && bot.entries_paused ? 'PAUSED' : bot.status);

function optionsOf(
	any: string,
	bots: readonly Bot[],
	read: (bot: Bot) => string,
	title: (value: string) => string = (value) => value,
): readonly (readonly [string, string])[] {
	const values = [...new Set(bots.map(read))].sort((a, b) => a.localeCompare(b, 'en'));
	return [['', any], ...values.map((value) => [value, title(value)] as const)];
}

/** A box in each row, and one above for all that match. */
function selectionColumn(
	matching: readonly Bot[],
	selected: ReadonlySet<number>,
	onSelect: (selected: ReadonlySet<number>) => void,
): Column<Bot> {
	const isAll = matching.length > 0 && matching.every(({ bot_id }) => selected.has(bot_id));
	const toggle = (botId: number): void => {
		const next = new Set(selected);
		if (!next.delete(botId)) next.add(botId);
		onSelect(next);
	};
	return {
		key: 'selection',
		title: (
			<input
				type="checkbox"
				aria-label="Select all bots that match"
				checked={isAll}
				onChange={() => onSelect(isAll ? new Set() : new Set(matching.map(({ bot_id }) => bot_id)))}
			/>
		),
		width: 40,
		isPlain: true,
		cell: (bot) => (
			<input
				type="checkbox"
				aria-label={`Select ${bot.name}`}
				checked={selected.has(bot.bot_id)}
				onChange={() => toggle(bot.bot_id)}
			/>
		),
	};
}

/** Every word must occur somewhere. */
function matcher(wanted: string): (bot: Bot) => boolean {
	const parts = wanted.split(/\s+/);
	return (bot) => {
		const held = bot.position_direction ?? '';
		const reason = words(bot.last_reason_code);
		const text =
			`${bot.name} ${bot.strategy} ${words(bot.strategy)} ${bot.symbol} ${bot.account} ${bot.account_mode} ${bot.exchange_id} ${bot.status} ${bot.last_outcome} ${reason} ${held}`.toLowerCase();
		return parts.every((part) => text.includes(part));
	};
}

function countNote(matching: number, loaded: number, isCut: boolean): string {
	if (isCut) return `first ${numbers.count(matching)}; the search goes over all`;
	return matching === loaded ? numbers.count(loaded) : `${numbers.count(matching)} of ${numbers.count(loaded)}`;
}
