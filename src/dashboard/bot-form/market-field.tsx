import { useDeferredValue, useId, useState } from 'react';
import { useInstruments } from '../api/queries.ts';
import type { Instrument } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { Field } from './field.tsx';

interface MarketFieldProps {
	readonly title: string;
	readonly exchangeId: string;
	readonly problem: string | undefined;
	/** Null while what is entered names no market. */
	readonly onChoose: (market: Instrument | null) => void;
}

/** One market of an exchange that may have thousands: the API searches while one types. */
export function MarketField({ title, exchangeId, problem, onChoose }: MarketFieldProps) {
	const listId = useId();
	const [text, setText] = useState('');
	const wanted = useDeferredValue(text.trim());
	const { data } = useInstruments(exchangeId, wanted);
	const markets = data?.items ?? [];
	const chosen = markets.find(({ symbol }) => symbol === text.trim()) ?? null;
	return (
		<Field title={title} hint={hintOf(chosen)} problem={chosen === null ? problem : undefined}>
			{(control) => (
				<>
					<input
						{...control}
						type="text"
						list={listId}
						autoComplete="off"
						spellCheck={false}
						placeholder="BTC/USDT:USDT"
						value={text}
						onChange={(event) => {
							const next = event.target.value;
							setText(next);
							onChoose(markets.find(({ symbol }) => symbol === next.trim()) ?? null);
						}}
						// The list may have come after the last key.
						onBlur={() => onChoose(chosen)}
					/>
					<datalist id={listId}>
						{markets.map(({ instrument_id, symbol }) => (
							<option key={instrument_id} value={symbol} />
						))}
					</datalist>
				</>
			)}
		</Field>
	);
}

function hintOf(market: Instrument | null): string {
	if (market === null) return 'Type a part of its name';
	const kind = market.market_type === 'SPOT' ? 'spot' : `perpetual settled in ${market.settle_asset}`;
	return `${kind}, last ${numbers.price(market.last_price)}, orders from ${numbers.quantity(market.minimum_notional)}`;
}
