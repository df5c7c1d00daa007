import type { ReactNode } from 'react';
import type { AccountMode, Direction, SignalDirection } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { exact, relative, useNow } from '../format/times.ts';
import { type Tone, toneOf, words } from '../format/words.ts';

/** A time as the distance from now; the exact one on hover and for machines. */
export function Ago({ at }: { readonly at: string | null }) {
	const now = useNow();
	if (at === null) return <span className="muted">{numbers.none}</span>;
	return (
		<time dateTime={at} title={exact(at)}>
			{relative(Date.parse(at), now)}
		</time>
	);
}

/** Profit or loss: signed and coloured; the sign alone already says it. */
export function Pnl({ value, unit }: { readonly value: string | number | null; readonly unit?: string | null }) {
	const sign = numbers.signOf(value);
	const tone = sign > 0 ? 'gain' : sign < 0 ? 'loss' : undefined;
	return (
		<span className={tone} title={value === null ? undefined : `${value}${unit ? ` ${unit}` : ''}`}>
			{numbers.money(value, true)}
		</span>
	);
}

export function Badge({ tone, title, children }: BadgeProps) {
	return (
		<span className={`badge ${tone}`} title={title ?? undefined}>
			{children}
		</span>
	);
}
interface BadgeProps {
	readonly tone: Tone;
	readonly title?: string | null;
	readonly children: ReactNode;
}

export function Status({ status, title }: { readonly status: string | null; readonly title?: string | null }) {
	if (status === null) return <span className="muted">{numbers.none}</span>;
	return (
		<Badge tone={toneOf(status)} title={title ?? null}>
			{words(status)}
		</Badge>
	);
}

/** LIVE is money: it is the one that stands out. */
export function Mode({ mode }: { readonly mode: AccountMode }) {
	return <span className={`mode ${mode.toLowerCase()}`}>{mode}</span>;
}

export function Side({ direction }: { readonly direction: Direction | SignalDirection | 'BUY' | 'SELL' }) {
	const mark = { LONG: '▲', BUY: '▲', SHORT: '▼', SELL: '▼', CLOSE: '■' }[direction];
	return (
		<span className={`side ${direction.toLowerCase()}`}>
			<span className="mark" aria-hidden="true">
				{mark}
			</span>{' '}
			{words(direction)}
		</span>
	);
}

/** A score on its scale from -1 to 1, zero in the middle. */
export function Score({ value }: { readonly value: number | null }) {
	return (
		<span className="score">
			{value === null ? null : <ScoreBar value={value} />}
			<span>{numbers.score(value)}</span>
		</span>
	);
}

export function ScoreBar({ value }: { readonly value: number }) {
	const width = Math.min(1, Math.abs(value)) * 20;
	return (
		<svg className={`score-bar ${value < 0 ? 'negative' : 'positive'}`} viewBox="0 0 40 6" aria-hidden="true">
			<rect className="track" x="0" y="2" width="40" height="2" rx="1" />
			<rect className="value" x={value < 0 ? 20 - width : 20} y="1" width={width} height="4" rx="1" />
			<rect className="zero" x="19.5" y="0" width="1" height="6" />
		</svg>
	);
}

/** A market's name; of a perpetual `BTC/USDT:USDT` the settlement is left to the hint, and .P says what it is. */
export function Market({ symbol }: { readonly symbol: string }) {
	const [pair, settle] = symbol.split(':');
	return (
		<span title={settle === undefined ? `${symbol}, spot` : `${symbol}, perpetual settled in ${settle}`}>
			{pair}
			{settle === undefined ? null : <small>.P</small>}
		</span>
	);
}
