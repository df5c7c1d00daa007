/** The navigation's icons, drawn on a grid of 16; the word beside them says what they mean. */
import type { View } from '../route.ts';

const paths: Readonly<Record<View | 'more', string>> = {
	overview: 'M2.5 2.5h4.5v6h-4.5zM9 2.5h4.5v3.5h-4.5zM9 8.5h4.5v5h-4.5zM2.5 11h4.5v2.5h-4.5z',
	bots: 'M3 6h10v7h-10zM8 6v-3M6.2 9v1M9.8 9v1',
	signals: 'M2 9h2.5l2-5.5 3 9 2-3.5h2.5',
	queue: 'M2.5 4h11M2.5 8h11M2.5 12h6.5',
	positions: 'M2.5 13.5h11M4.5 13.5v-4M8 13.5v-10M11.5 13.5v-6.5',
	risk: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6v-4z',
	exchanges: 'M2.5 5.5h10l-2.5-2.5M13.5 10.5h-10l2.5 2.5',
	strategies: 'M4 3.5v9M4 8h4c3 0 4-1 4-4.5M12 3.5v0M4 8h4c3 0 4 1 4 4.5',
	alerts: 'M4 11.5v-4.5a4 4 0 0 1 8 0v4.5l1 1h-10zM7 14h2',
	more: 'M3 4.5h10M3 8h10M3 11.5h10',
};

export function Icon({ of }: { readonly of: View | 'more' }) {
	return (
		<svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
			<path d={paths[of]} />
		</svg>
	);
}

export function Logo() {
	return (
		<svg viewBox="0 0 32 32" aria-hidden="true">
			<rect className="tile" width="32" height="32" rx="8" />
			<path d="M9 9v5M9 20v3M16 7v4M16 20v5M23 8v3M23 18v5" />
			<path className="bodies" d="M6.5 14h5v6h-5zM13.5 11h5v9h-5zM20.5 11h5v7h-5z" />
		</svg>
	);
}
