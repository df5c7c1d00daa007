/**
 * One typed wrapper per SQL function. A wrapper states the function's arguments and columns once, by their PostgreSQL
 * types; its TypeScript types follow from that, and a test holds the statement against pg_proc in both directions.
 */
import type { Pool, PoolClient } from 'pg';
import type {
	AccountMode,
	BotStatus,
	Direction,
	MarketType,
	RegimeDirection,
	RegimeVolatility,
	Side,
	SignalDirection,
	Timeframe,
} from '../../domain.ts';

export type Queryable = Pick<Pool | PoolClient, 'query'>;

export type CheckKind = 'SCHEDULED' | 'MANUAL';
export type CheckOutcome =
	| 'NO_SIGNAL'
	| 'QUEUED'
	| 'REJECTED'
	| 'REPEATED'
	| 'STALE_DATA'
	| 'INSUFFICIENT_HISTORY'
	| 'INACTIVE'
	| 'FAILED'
	| 'TIMED_OUT'
	| 'DRY_RUN';
export type OrderStatus = 'SUBMITTING' | 'OPEN' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELLED' | 'REJECTED' | 'UNKNOWN';
export type TokenRole = 'viewer' | 'operator' | 'admin';

/** What each PostgreSQL type is in TypeScript; numeric stays decimal text. */
interface PgTypes {
	bigint: number;
	integer: number;
	'double precision': number;
	'double precision[]': number[];
	'bigint[]': number[];
	boolean: boolean;
	text: string;
	'text[]': readonly string[];
	uuid: string;
	'uuid[]': readonly string[];
	numeric: string;
	interval: string;
	bytea: Buffer;
	jsonb: unknown;
	timestamptz: Date;
	void: undefined;
	timeframe: Timeframe;
	direction: Direction;
	signal_direction: SignalDirection;
	side: Side;
	account_mode: AccountMode;
	account_status: 'ACTIVE' | 'REDUCING' | 'HALTED';
	bot_status: BotStatus;
	breaker_state: 'CLOSED' | 'OPEN' | 'HALF_OPEN';
	check_kind: CheckKind;
	execution_mode: 'AUTO' | 'CONFIRM';
	check_outcome: CheckOutcome;
	limit_scope: 'IP' | 'ACCOUNT';
	market_type: MarketType;
	order_status: OrderStatus;
	pause_scope: 'ALL' | 'EXCHANGE' | 'ACCOUNT' | 'BOT';
	protection: 'EXCHANGE' | 'GUARD' | 'NONE';
	regime_direction: RegimeDirection;
	regime_volatility: RegimeVolatility;
	severity: 'CRITICAL' | 'WARNING' | 'INFO';
	sizing_kind: 'FIXED_NOTIONAL' | 'CAPITAL_FRACTION' | 'VOLATILITY_TARGET';
	token_role: TokenRole;
	trade_status: 'PENDING' | 'EXECUTING' | 'EXECUTED' | 'EXPIRED' | 'CANCELLED' | 'FAILED' | 'PARKED';
}
type PgType = keyof PgTypes;
/** A type's name; with `?` an argument that may be left out (it has a default), or a column that may be null. */
export type TypeName = PgType | `${PgType}?`;
type Described = Readonly<Record<string, TypeName>>;

type OptionalKeys<D extends Described> = { [K in keyof D]: D[K] extends `${PgType}?` ? K : never }[keyof D];
type Base<T extends TypeName> = T extends `${infer B extends PgType}?` ? B : T extends PgType ? T : never;
/** An argument as written: numbers may come as numbers or decimal text. */
type Argument<T extends TypeName> =
	Base<T> extends 'numeric' ? string | number : Base<T> extends 'bigint[]' ? readonly number[] : PgTypes[Base<T>];
export type Arguments<D extends Described> = {
	readonly [K in Exclude<keyof D, OptionalKeys<D>>]: Argument<D[K]>;
} & { readonly [K in OptionalKeys<D>]?: Argument<D[K]> | null | undefined };
export type Row<D extends Described> = {
	readonly [K in keyof D]: D[K] extends `${PgType}?` ? PgTypes[Base<D[K]>] | null : PgTypes[Base<D[K]>];
};

export interface FunctionDescription {
	readonly name: string;
	readonly args: Described;
	/** Columns of a set, or the type of a single value. */
	readonly returns: Described | TypeName;
}

/** Every wrapper that was defined, for the test that compares them with pg_proc. */
export const definedFunctions: FunctionDescription[] = [];

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Builds the call with named arguments; arguments left out or undefined take the function's default. */
function buildCall(name: string, args: Described, given: Readonly<Record<string, unknown>>) {
	const parts: string[] = [];
	const values: unknown[] = [];
	for (const key of Object.keys(args)) {
		const value = given[key];
		if (value === undefined) continue;
		const type = (args[key] ?? 'text').replace('?', '');
		values.push(type === 'jsonb' && value !== null ? JSON.stringify(value) : value);
		parts.push(`p_${snakeCase(key)} => $${values.length}::${type in builtin ? type : `botbox.${type}`}`);
	}
	return { text: `botbox.${name}(${parts.join(', ')})`, values };
}
const builtin: Partial<Record<string, true>> = {
	bigint: true,
	integer: true,
	'double precision': true,
	'double precision[]': true,
	'bigint[]': true,
	boolean: true,
	text: true,
	'text[]': true,
	uuid: true,
	'uuid[]': true,
	numeric: true,
	interval: true,
	bytea: true,
	jsonb: true,
	timestamptz: true,
};

/** Wraps a function that returns a set of rows. */
export function rowsFunction<const A extends Described, const R extends Described>(name: string, args: A, returns: R) {
	definedFunctions.push({ name, args, returns });
	const columns = Object.fromEntries(Object.keys(returns).map((key) => [snakeCase(key), key]));
	return async (db: Queryable, given: Arguments<A>): Promise<Row<R>[]> => {
		const call = buildCall(name, args, given);
		const result = await db.query(`select * from ${call.text}`, call.values);
		return result.rows.map((row: Record<string, unknown>) => {
			const out: Record<string, unknown> = {};
			for (const column in row) out[columns[column] ?? camelCase(column)] = row[column];
			return out as Row<R>;
		});
	};
}

/** Wraps a function that returns one value. */
export function valueFunction<const A extends Described, const R extends TypeName>(name: string, args: A, returns: R) {
	definedFunctions.push({ name, args, returns });
	type Value = R extends `${PgType}?` ? PgTypes[Base<R>] | null : PgTypes[Base<R>];
	return async (db: Queryable, given: Arguments<A>): Promise<Value> => {
		const call = buildCall(name, args, given);
		const result = await db.query(`select ${call.text} as value`, call.values);
		return result.rows[0]?.value as Value;
	};
}
