/** The process's log: pino, one JSON object a line on stderr, so that stdout stays for what commands print. */
import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

export function createLogger(options: { level: string; name: string }): Logger {
	return pino(
		{
			name: options.name,
			level: options.level,
			timestamp: pino.stdTimeFunctions.isoTime,
			redact: {
				paths: ['*.secret', '*.apiKey', '*.credentials', '*.password', 'secret', 'apiKey', 'password'],
				censor: '[redacted]',
			},
		},
		pino.destination({ fd: 2, sync: false }),
	);
}
