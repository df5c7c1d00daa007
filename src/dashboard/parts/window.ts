import { type RefObject, useEffect, useState } from 'react';

/** Below this many rows all are drawn, so that the browser's own search finds them. */
const drawAllBelow = 250;
const overscan = 12;

export interface RowWindow {
	readonly from: number;
	readonly until: number;
}

/** Which rows of a scrolled table are to be drawn; rows are `rowHeight` pixels high, all of them. */
export function useRowWindow(container: RefObject<HTMLElement | null>, rows: number, rowHeight: number): RowWindow {
	const isWindowed = rows >= drawAllBelow;
	const [window, setWindow] = useState<RowWindow>({ from: 0, until: drawAllBelow });
	useEffect(() => {
		const element = container.current;
		if (!isWindowed || element === null) return;
		const measure = (): void => {
			// In steps, so that not every pixel draws anew.
			const first = Math.floor(element.scrollTop / rowHeight / overscan) * overscan;
			const visible = Math.ceil(element.clientHeight / rowHeight);
			const from = Math.max(0, first - overscan);
			const until = Math.min(rows, first + visible + 2 * overscan);
			setWindow((old) => (old.from === from && old.until === until ? old : { from, until }));
		};
		measure();
		element.addEventListener('scroll', measure, { passive: true });
		const observer = new ResizeObserver(measure);
		observer.observe(element);
		return () => {
			element.removeEventListener('scroll', measure);
			observer.disconnect();
		};
	}, [container, isWindowed, rows, rowHeight]);
	return isWindowed ? window : { from: 0, until: rows };
}
