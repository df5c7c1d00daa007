/** Money as decimal text: what is stored, journaled and answered is the exact number, never a float. */
import { Decimal } from 'decimal.js';

const Exact = Decimal.clone({ precision: 40, toExpNeg: -40, toExpPos: 40 });

export function add(left: string, right: string): string {
	return new Exact(left).plus(right).toFixed();
}

export function subtract(left: string, right: string): string {
	return new Exact(left).minus(right).toFixed();
}

export function multiply(left: string, right: string): string {
	return new Exact(left).times(right).toFixed();
}

/** Quotients are cut at 18 decimals. */
export function divide(left: string, right: string): string {
	return new Exact(left).dividedBy(right).toDecimalPlaces(18).toFixed();
}

export function compare(left: string, right: string): number {
	return new Exact(left).comparedTo(right);
}

export function isZero(value: string): boolean {
	return new Exact(value).isZero();
}

export function negate(value: string): string {
	return new Exact(value).negated().toFixed();
}

export function absolute(value: string): string {
	return new Exact(value).abs().toFixed();
}

export function least(left: string, right: string): string {
	return compare(left, right) <= 0 ? left : right;
}

export function greatest(left: string, right: string): string {
	return compare(left, right) >= 0 ? left : right;
}

/** Rounds towards zero. */
export function floorTo(value: string, decimals: number): string {
	return new Exact(value).toDecimalPlaces(decimals, Decimal.ROUND_DOWN).toFixed();
}

/** Rounds away from zero: what an exchange does with what it is owed. */
export function ceilTo(value: string, decimals: number): string {
	return new Exact(value).toDecimalPlaces(decimals, Decimal.ROUND_UP).toFixed();
}

export function decimalPlaces(value: string): number {
	return new Exact(value).decimalPlaces();
}

export function isMultiple(value: string, step: string): boolean {
	return new Exact(value).modulo(step).isZero();
}

/** Whole steps (ticks, lots) as text: 640001 at one decimal is 64000.1. */
export function fromSteps(steps: number, decimals: number): string {
	return (steps / 10 ** decimals).toFixed(decimals);
}

/** The number of whole steps in a value that fits the step. */
export function toSteps(value: string, decimals: number): number {
	return new Exact(value)
		.times(10 ** decimals)
		.round()
		.toNumber();
}

/** Plain decimal text without trailing zeros, from any number: at most `decimals` of them. */
export function plain(value: string | number, decimals = 8): string {
	return new Exact(value).toDecimalPlaces(decimals).toFixed();
}
