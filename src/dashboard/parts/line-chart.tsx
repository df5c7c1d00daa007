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
	readonly valueText: (value: number) => string;
	readonly timeText: (atMs: number) => string;
}

const [width, height] = [1_000, 160];

export function LineChart({ label, points, valueText, timeText }: LineChartProps) {
	const [at, setAt] = useState<number | null>(null);
	const [first, last] = [points[0], points.at(-1)];
	if (first === undefined || last === undefined) return null;
	const values = points.map(({ y }) => y);
	const [low, high] = [Math.min(...values), Math.max(...values)];
	// A flat line lies in the middle.
	const room = high === low ? Math.max(1, Math.abs(high) * 0.001) : (high - low) * 0.08;
	const xOf = ({ x }: Point): number => ((x - first.x) / Math.max(1, last.x - first.x)) * width;
	const yOf = ({ y }: Point): number => height - ((y - low + room) / (high - low + 2 * room)) * height;
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
