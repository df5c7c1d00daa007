/** Words that several rows use. */
export type AccountMode = 'PAPER' | 'LIVE';
export type Direction = 'LONG' | 'SHORT';
export type SignalDirection = Direction | 'CLOSE';
export type Side = 'BUY' | 'SELL';
export type Timeframe = '1m' | '5m' | '15m' | '1h' | '4h' | '1d';
