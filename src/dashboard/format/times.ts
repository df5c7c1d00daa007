/** The present, as the server tells it, and times relative to it. One timer serves every time on the page. */
import { useSyncExternalStore } from 'react';
import { milliseconds } from './numbers.ts';

/** Server minus browser. Below this a difference is taken for the way of the answer. */
const toleratedMs = 2_000;
let offsetMs = 0;
let nowMs = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

export function setServerTime(asOf: string): void {
	const difference = Date.parse(asOf) - Date.now();
	offsetMs = Math.abs(difference) > toleratedMs ? difference : 0;
}

/** Milliseconds of the server's clock; changes every second. */
export function useNow(): number {
	return useSyncExternalStore(subscribe, () => nowMs);
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	timer ??= setInterval(() => {
		nowMs = Date.now() + offsetMs;
		for (const each of listeners) each();
	}, 1_000);
	return () => {
		listeners.delete(listener);
		if (listeners.size > 0) return;
		clearInterval(timer);
		timer = undefined;
	};
}

/** `now`, `12 s ago`, `in 3 min`: one unit, as nobody reads two. */
export function relative(atMs: number, presentMs: number): string {
	const distance = presentMs - atMs;
	const text = coarse(Math.abs(distance));
	if (text === null) return 'now';
	return distance >= 0 ? `${text} ago` : `in ${text}`;
}

function coarse(distanceMs: number): string | null {
	const seconds = Math.floor(distanceMs / 1_000);
	if (seconds < 1) return null;
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
	const days = Math.floor(seconds / 86_400);
	return days < 730 ? `${days} d` : `${Math.floor(days / 365.25)} y`;
}

const exactFormat = new Intl.DateTimeFormat('en-GB', {
	year: 'numeric',
	month: 'short',
	day: '2-digit',
	hour: '2-digit',
	minute: '2-digit',
	second: '2-digit',
	fractionalSecondDigits: 3,
	timeZoneName: 'short',
});

export function exact(at: string): string {
	return exactFormat.format(new Date(at));
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function clockTime(atMs: number): string {
	return clockFormat.format(atMs);
}

const minuteFormat = new Intl.DateTimeFormat('en-GB', {
	day: '2-digit',
	month: 'short',
	hour: '2-digit',
	minute: '2-digit',
});
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short', year: 'numeric' });
const nearMs = 300 * 86_400_000;

/** To the minute; what lies most of a year away is told by its day, with the year. */
export function minuteTime(at: string | number, presentMs: number = Date.now()): string {
	const date = new Date(at);
	return (Math.abs(date.getTime() - presentMs) < nearMs ? minuteFormat : dayFormat).format(date);
}

export function lasted(from: string, until: string): string {
	return milliseconds(Date.parse(until) - Date.parse(from));
}
