/**
 * A look at the orders that pass a proxy on their way to the exchange: each request is held until the drill has looked, and the
 * drill decides whether the sender hears the answer. Everything else passes as it comes.
 */
import type { Socket } from 'node:net';

export interface OrderTap {
	/** The order with this client order id is about to reach the exchange. */
	sent(clientOrderId: string): Promise<void>;
	/** The exchange has answered it: false keeps the answer from the sender. */
	answered(clientOrderId: string): boolean;
}

const orderRequest = /^POST \S*\/v5\/order\/create\b/;

export function tapOrders(near: Socket, far: Socket, tap: OrderTap): void {
	/** What has come of a request for an order. */
	let held = Buffer.alloc(0);
	let passing = Promise.resolve();
	let underWay: string | undefined;
	near.on('data', (chunk: Buffer) => {
		passing = passing.then(async () => {
			held = Buffer.concat([held, chunk]);
			const request = held.toString('latin1');
			if (orderRequest.test(request)) {
				if (!isWhole(request)) return;
				const clientOrderId = /"orderLinkId":"([^"]*)"/.exec(request)?.[1];
				if (clientOrderId !== undefined) await tap.sent(clientOrderId);
				underWay = clientOrderId;
			}
			if (!far.destroyed) far.write(held);
			held = Buffer.alloc(0);
		});
		passing.catch((error: Error) => near.destroy(error));
	});
	far.on('data', (chunk: Buffer) => {
		const clientOrderId = underWay;
		underWay = undefined;
		if (clientOrderId !== undefined && !tap.answered(clientOrderId)) return;
		if (!near.destroyed) near.write(chunk);
	});
	near.once('end', () => far.end());
	far.once('end', () => near.end());
}

function isWhole(request: string): boolean {
	const headersEnd = request.indexOf('\r\n\r\n');
	const length = /\r\ncontent-length: (\d+)\r\n/i.exec(request)?.[1];
	return headersEnd >= 0 && request.length >= headersEnd + 4 + Number(length ?? 0);
}
