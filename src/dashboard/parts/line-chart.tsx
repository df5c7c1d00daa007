/** One figure over time. The pointer reads single values; the words beside it say the first, the last and the range. */
import { type PointerEvent, useState } from 'react';

interface Point {
	/** Epoch milliseconds. */
	readonly x: number;
	readonly y: number;
}

interface LineChartProps {
	readonly label: string;
	/** Oldest first, two at least. */
	readonly points: readonly Point[];
	/** Values that the curve is read against, as lines across; they are always within sight. */
	readonly marks?: readonly number[];
	readonly valueText: (value: number) => string;
	readonly timeText: (atMs: number) => string;
}

const [width, height] = [1_000, 160];

export function LineChart({ label, points, marks = [], valueText, timeText }: LineChartProps) {
	const [at, setAt] = useState<number | null>(null);
	const [first, last] = [points[0], points.at(-1)];
	if (first === undefined || last === undefined) return null;
	const values = points.map(({ y }) => y);
	const [low, high] = [Math.min(...values), Math.max(...values)];
	const [bottom, top] = [Math.min(low, ...marks), Math.max(high, ...marks)];
	// A flat line lies in the middle.
	const room = top === bottom ? Math.max(1, Math.abs(top) * 0.001) : (top - bottom) * 0.08;
	const xOf = ({ x }: Point): number => ((x - first.x) / Math.max(1, last.x - first.x)) * width;
	const heightOf = (y: number): number => height - ((y - bottom + room) / (top - bottom + 2 * room)) * height;
	const yOf = ({ y }: Point): number => heightOf(y);
	const line = points.map((point) => `${xOf(point).toFixed(1)},${yOf(point).toFixed(1)}`).join(' ');
	const pointed = at === null ? null : (points[at] ?? null);
	const point = (event: PointerEvent<HTMLElement>): void => {
		const box = event.currentTarget.getBoundingClientRect();
		const share = (event.clientX - box.left) / Math.max(1, box.width);
		const x = first.x + share * (last.x - first.x);
		setAt(nearest(points, x));
	};
	return (
		<div className="line-chart">
			<div
				className="plot"
				role="img"
				aria-label={`${label}; from ${valueText(first.y)} to ${valueText(last.y)}, lowest ${valueText(low)}, highest ${valueText(high)}`}
				onPointerMove={point}
				onPointerLeave={() => setAt(null)}
			>
				<svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
					{marks.map((mark) => (
						<line
							key={mark}
							className={mark === 0 ? 'mark zero' : 'mark'}
							x1="0"
							x2={width}
							y1={heightOf(mark)}
							y2={heightOf(mark)}
						/>
					))}
					<polygon className="area" points={`0,${height} ${line} ${width},${height}`} />
					<polyline className="line" points={line} />
					{pointed === null ? null : (
						<line className="pointer" x1={xOf(pointed)} x2={xOf(pointed)} y1="0" y2={height} />
					)}
				</svg>
				<span className="high">{valueText(high)}</span>
				<span className="low">{valueText(low)}</span>
				{pointed === null ? null : (
					<span className="pointed">
						<strong>{valueText(pointed.y)}</strong> {timeText(pointed.x)}
					</span>
				)}
			</div>
			<div className="ends" aria-hidden="true">
				<span>{timeText(first.x)}</span>
				<span>{timeText(last.x)}</span>
			</div>
		</div>
	);
}

function nearest(points: readonly Point[], x: number): number {
	let found = 0;
	for (const [i, point] of points.entries()) {
		if (Math.abs(point.x - x) < Math.abs((points[found]?.x ?? 0) - x)) found = i;
	}
	return found;
}
