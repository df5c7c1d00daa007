/**
 * Every reason that a check, a signal or a trade may carry. The same list as table botbox.reason_codes and docs/reasons.md:
 * a test holds the three together.
 */

interface ReasonEntry {
	/** Where the reason is at home; an inactive bot's check and a trade that ends unsent may borrow one of SIGNAL. */
	readonly scope: 'CHECK' | 'SIGNAL' | 'TRADE';
	readonly meaning: string;
}

export const reasons = {
	BELOW_THRESHOLD: { scope: 'CHECK', meaning: 'The score lies between the entry thresholds: nothing to do' },
	NO_RULE: { scope: 'CHECK', meaning: "No rule of the strategy's own applies: nothing to do" },
	HOLDING: { scope: 'CHECK', meaning: 'A position is held and no exit condition is met' },
	INSUFFICIENT_HISTORY: { scope: 'CHECK', meaning: 'Fewer closed candles than the strategy needs' },
	STALE_DATA: {
		scope: 'CHECK',
		meaning: 'Market data older than two minutes, also after one attempt to fetch it live',
	},
	CHECK_FAILED: { scope: 'CHECK', meaning: 'The strategy threw or returned something that is not a decision' },
	CHECK_TIMED_OUT: { scope: 'CHECK', meaning: 'The evaluation was stopped at its time limit' },
	ENTRY_THRESHOLD: { scope: 'SIGNAL', meaning: 'The score reached the entry threshold' },
	EXIT_THRESHOLD: { scope: 'SIGNAL', meaning: 'The score fell to the exit threshold' },
	TIME_EXIT: { scope: 'SIGNAL', meaning: 'The position was held for its longest time' },
	STOP_LOSS: { scope: 'SIGNAL', meaning: 'The price reached the stop-loss' },
	TAKE_PROFIT: { scope: 'SIGNAL', meaning: 'The price reached the take-profit' },
	TRAILING_STOP: { scope: 'SIGNAL', meaning: 'The price came back from its best by the trailing distance' },
	GRID_ENTRY: { scope: 'SIGNAL', meaning: 'The price crossed levels of the grid: their lots are entered' },
	GRID_EXIT: { scope: 'SIGNAL', meaning: 'The price came back across levels of the grid: their lots are closed' },
	GRID_OUT_OF_RANGE: { scope: 'SIGNAL', meaning: 'The price left the range of the grid' },
	FUNDING_ENTRY: {
		scope: 'SIGNAL',
		meaning: 'The funding expected over the holding time pays more than both legs cost',
	},
	FUNDING_EXIT: { scope: 'SIGNAL', meaning: 'Funding turned: holding the pair no longer pays' },
	ENTRY_RULE: { scope: 'SIGNAL', meaning: "A rule of the strategy's own asked for the entry" },
	EXIT_RULE: { scope: 'SIGNAL', meaning: "A rule of the strategy's own asked for the exit" },
	LEG_IMBALANCE: { scope: 'SIGNAL', meaning: 'The legs of a pair do not match: the surplus is closed' },
	FLATTEN: { scope: 'SIGNAL', meaning: 'A person asked to close the position' },
	ACCEPTED: { scope: 'SIGNAL', meaning: 'Validated, within every limit, and queued' },
	BOT_NOT_ACTIVE: { scope: 'SIGNAL', meaning: 'The bot was paused, stopped or deleted meanwhile' },
	PAUSED: { scope: 'SIGNAL', meaning: 'A pause of entries is in force for the bot, its account, its exchange or all' },
	ACCOUNT_HALTED: { scope: 'SIGNAL', meaning: 'The account is HALTED: nothing is sent for it' },
	ACCOUNT_REDUCING: { scope: 'SIGNAL', meaning: 'The account is REDUCING: closes only' },
	EXCHANGE_UNAVAILABLE: { scope: 'SIGNAL', meaning: 'The breaker of the exchange is open' },
	INSTRUMENT_NOT_TRADING: { scope: 'SIGNAL', meaning: 'The exchange does not trade the instrument now' },
	REGIME_UNKNOWN: { scope: 'SIGNAL', meaning: 'Too little history to tell the market regime' },
	REGIME_UNFAVOURABLE: { scope: 'SIGNAL', meaning: 'The market regime is not one the strategy is made for' },
	VOLATILITY_UNKNOWN: { scope: 'SIGNAL', meaning: "Too little history to size the entry by the market's range" },
	STOP_BEYOND_LIQUIDATION: {
		scope: 'SIGNAL',
		meaning: 'The stop lies beyond the price at which the exchange may liquidate the position',
	},
	LEVERAGE_IN_USE: { scope: 'SIGNAL', meaning: 'The account holds or enters this instrument with another leverage' },
	SHORT_ON_SPOT: { scope: 'SIGNAL', meaning: 'A spot market cannot be sold short' },
	DUPLICATE_POSITION: { scope: 'SIGNAL', meaning: 'The bot already holds this instrument up to its lots' },
	OPPOSITE_POSITION: { scope: 'SIGNAL', meaning: 'The bot holds this instrument in the other direction' },
	TRADE_PENDING: { scope: 'SIGNAL', meaning: 'A trade of the bot in this instrument is still under way' },
	NO_POSITION: { scope: 'SIGNAL', meaning: 'There is no open position to close' },
	MAX_POSITIONS: { scope: 'SIGNAL', meaning: 'The account already has as many positions as it may' },
	INSUFFICIENT_CAPITAL: { scope: 'SIGNAL', meaning: 'Less capital is free than the position needs' },
	CORRELATION_LIMIT: { scope: 'SIGNAL', meaning: 'Too many correlated positions in the same direction' },
	LOSS_COOLDOWN: { scope: 'SIGNAL', meaning: 'The bot lost lately: it enters nothing until its cooldown is over' },
	LOSING_STREAK: { scope: 'SIGNAL', meaning: 'The bot lost several positions in a row: a person lets it go on' },
	DAILY_LOSS_LIMIT: { scope: 'SIGNAL', meaning: 'The account lost as much today as it may: it reduces from now on' },
	MAX_DRAWDOWN: {
		scope: 'SIGNAL',
		meaning: 'The account fell as far below its peak as it may: it reduces from now on',
	},
	ORDER_TOO_LARGE: { scope: 'SIGNAL', meaning: 'The entry is larger than one order of the account may be' },
	ENTRY_RATE_LIMIT: { scope: 'SIGNAL', meaning: 'The account already queued as many entries in this minute as it may' },
	BOT_POSITION_LIMIT: { scope: 'SIGNAL', meaning: 'The position would be larger than the bot may hold' },
	INSTRUMENT_EXPOSURE: { scope: 'SIGNAL', meaning: 'The account would hold more of the instrument than it may' },
	TOTAL_EXPOSURE: { scope: 'SIGNAL', meaning: 'The account would hold more in all than it may' },
	OTHER_LEG_REFUSED: {
		scope: 'SIGNAL',
		meaning: 'The other leg of the pair was refused, so this one is not entered either',
	},
	BELOW_MINIMUM: { scope: 'SIGNAL', meaning: 'The rounded quantity is below what the exchange accepts' },
	OTHER_LEG_FAILED: { scope: 'TRADE', meaning: 'The other leg of the pair came to nothing before this one was sent' },
	PRICE_DEVIATION: {
		scope: 'TRADE',
		meaning: 'The price had moved too far from the signal when the entry was to be sent',
	},
	TTL_EXPIRED: { scope: 'TRADE', meaning: 'Not executed within its time to live' },
	NOT_APPROVED: {
		scope: 'TRADE',
		meaning: "The bot asks before it enters, and nobody approved within the trade's time to live",
	},
	REJECTED_BY_PERSON: { scope: 'TRADE', meaning: 'The bot asks before it enters, and a person said no' },
	EXCHANGE_REFUSED: { scope: 'TRADE', meaning: 'The exchange definitely refused the order' },
	ATTEMPTS_EXHAUSTED: { scope: 'TRADE', meaning: 'Not accepted after every retry' },
	NOT_FILLED: { scope: 'TRADE', meaning: 'The exchange ended the order without a fill' },
	POSITION_CLOSED: { scope: 'TRADE', meaning: 'The position was closed by another order meanwhile' },
	UNRESOLVED: { scope: 'TRADE', meaning: 'The exchange does not say what became of the order: a person decides' },
	CANCELLED_BY_PERSON: { scope: 'TRADE', meaning: 'A person cancelled the trade' },
	RESOLVED_BY_PERSON: { scope: 'TRADE', meaning: 'A person said that the order does not stand and was not filled' },
} as const satisfies Readonly<Record<string, ReasonEntry>>;

export type ReasonCode = keyof typeof reasons;
