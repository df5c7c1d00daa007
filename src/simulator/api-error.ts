/** A refusal that the exchange answers with: retCode and retMsg as https://bybit-exchange.github.io/docs/v5/error lists them. */
export class ApiError extends Error {
	readonly code: number;
	readonly httpStatus: number;

	constructor(code: number, message: string, httpStatus = 200) {
		super(message);
		this.code = code;
		this.httpStatus = httpStatus;
	}
}
