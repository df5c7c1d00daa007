/** The name by which the exchange and we know the same order. */

const prefix = 'bb';

/**
 * `bb` + installation (6) + `-` + the trade's UUID as base64url (22): 31 characters of [A-Za-z0-9_-], within the 36 that
 * Bybit and Binance accept. The same trade always has the same id, so that a repeated sending can be recognised.
 */
export function deriveClientOrderId(installationId: string, tradeId: string): string {
	return `${clientOrderIdPrefix(installationId)}${Buffer.from(tradeId.replaceAll('-', ''), 'hex').toString('base64url')}`;
}

/** How every order of this installation begins at the exchange. */
export function clientOrderIdPrefix(installationId: string): string {
	return `${prefix}${installationId}-`;
}
