/** The types that columns of the reporting views have, in PostgreSQL and in TypeScript: one place each. */

/** Labels of the enumerations, in their order; a test compares them with pg_enum. */
export const enumerations = {
	account_mode: ['PAPER', 'LIVE'],
	approval_state: ['WAITING', 'APPROVED', 'REJECTED', 'EXPIRED', 'CANCELLED'],
	account_status: ['ACTIVE', 'REDUCING', 'HALTED'],
	bot_status: ['ACTIVE', 'PAUSED', 'STOPPED', 'DELETED'],
	breaker_state: ['CLOSED', 'OPEN', 'HALF_OPEN'],
	check_kind: ['SCHEDULED', 'MANUAL'],
	check_outcome: [
		'NO_SIGNAL',
		'QUEUED',
		'REJECTED',
		'REPEATED',
		'STALE_DATA',
		'INSUFFICIENT_HISTORY',
		'INACTIVE',
		'FAILED',
		'TIMED_OUT',
		'DRY_RUN',
	],
	direction: ['LONG', 'SHORT'],
	execution_mode: ['AUTO', 'CONFIRM'],
	market_type: ['SPOT', 'LINEAR'],
	order_purpose: ['ENTRY', 'EXIT', 'STOP_LOSS', 'TAKE_PROFIT'],
	order_status: ['SUBMITTING', 'OPEN', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED', 'REJECTED', 'UNKNOWN'],
	pause_scope: ['ALL', 'EXCHANGE', 'ACCOUNT', 'BOT'],
	position_status: ['OPEN', 'CLOSED'],
	protection: ['EXCHANGE', 'GUARD', 'NONE'],
	regime_direction: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
	regime_volatility: ['LOW', 'NORMAL', 'HIGH'],
	severity: ['CRITICAL', 'WARNING', 'INFO'],
	side: ['BUY', 'SELL'],
	signal_direction: ['LONG', 'SHORT', 'CLOSE'],
	signal_status: ['QUEUED', 'REJECTED'],
	sizing_kind: ['FIXED_NOTIONAL', 'CAPITAL_FRACTION', 'VOLATILITY_TARGET'],
	timeframe: ['1m', '5m', '15m', '1h', '4h', '1d'],
	token_role: ['viewer', 'operator', 'admin'],
	limit_scope: ['IP', 'ACCOUNT'],
	trade_status: ['PENDING', 'EXECUTING', 'EXECUTED', 'EXPIRED', 'CANCELLED', 'FAILED', 'PARKED'],
} as const;
export type EnumerationName = keyof typeof enumerations;

interface Scalars {
	bigint: number;
	integer: number;
	'double precision': number;
	real: number;
	boolean: boolean;
	text: string;
	uuid: string;
	/** Decimal text: money is never a float. Also the domains over numeric. */
	numeric: string;
	timestamptz: Date;
	jsonb: unknown;
	'text[]': readonly string[];
	'regime_direction[]': readonly (typeof enumerations.regime_direction)[number][];
}
export type BaseType = keyof Scalars | EnumerationName;
/** With `?`: may be null. */
export type ColumnType = BaseType | `${BaseType}?`;
export type Columns = Readonly<Record<string, ColumnType>>;

type ValueOf<T extends ColumnType> = T extends `${infer B extends BaseType}?`
	? ValueOf<B> | null
	: T extends EnumerationName
		? (typeof enumerations)[T][number]
		: T extends keyof Scalars
			? Scalars[T]
			: never;
/** A row as the pool returns it, with the columns' own names. */
export type RowOf<C extends Columns> = { readonly [K in keyof C]: ValueOf<C[K]> };

export function baseType(type: ColumnType): BaseType {
	return (type.endsWith('?') ? type.slice(0, -1) : type) as BaseType;
}

export function isEnumeration(type: BaseType): type is EnumerationName {
	return type in enumerations;
}
