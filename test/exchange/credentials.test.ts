import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BotboxError } from '../../src/errors.ts';
import { decryptCredentials, encryptCredentials, redactorOf } from '../../src/exchange/credentials.ts';
import { masterKey } from './harness.ts';

const credentials = { apiKey: 'the-api-key', secret: 'the-secret', password: 'the-password' };

function codeOf(work: () => unknown): string {
	try {
		work();
	} catch (error) {
		return error instanceof BotboxError ? error.code : String(error);
	}
	return 'none';
}

describe('stored credentials', () => {
	test('come back as they were, with and without a password', () => {
		const { password: _, ...plain } = credentials;
		expect(decryptCredentials(encryptCredentials(credentials, masterKey), masterKey)).toEqual(credentials);
		expect(decryptCredentials(encryptCredentials(plain, masterKey), masterKey)).toEqual(plain);
	});

	test('are never the same bytes twice, and show nothing of what they hold', () => {
		const first = encryptCredentials(credentials, masterKey);
		expect(first.equals(encryptCredentials(credentials, masterKey))).toBe(false);
		for (const secret of Object.values(credentials)) expect(first.includes(secret)).toBe(false);
	});

	test('are unreadable with another key, and say so without telling anything', () => {
		const stored = encryptCredentials(credentials, masterKey);
		const other = randomBytes(32).toString('base64');
		expect(codeOf(() => decryptCredentials(stored, other))).toBe('CREDENTIALS_UNREADABLE');
		expect(() => decryptCredentials(stored, other)).toThrow('another BOTBOX_MASTER_KEY');
	});

	test('are unreadable when any one byte was changed or cut off', () => {
		const stored = encryptCredentials(credentials, masterKey);
		fc.assert(
			fc.property(fc.nat(stored.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
				const damaged = Buffer.from(stored);
				damaged[at] = (damaged[at] ?? 0) ^ change;
				expect(codeOf(() => decryptCredentials(damaged, masterKey))).toBe('CREDENTIALS_UNREADABLE');
				expect(codeOf(() => decryptCredentials(stored.subarray(0, at), masterKey))).toBe('CREDENTIALS_UNREADABLE');
			}),
		);
	});

	test.each(['', 'short', randomBytes(31).toString('base64'), randomBytes(33).toString('base64')])(
		'a master key of another length is a mistake of the configuration: %j',
		(key) => {
			expect(codeOf(() => encryptCredentials(credentials, key))).toBe('CONFIGURATION_INVALID');
		},
	);

	test('are taken out of every text', () => {
		const redact = redactorOf(credentials);
		const told = redact(`sign error: 1700the-api-key5000 the-secret the-secret the-password`);
		expect(told).toBe('sign error: 1700[redacted]5000 [redacted] [redacted] [redacted]');
		expect(redactorOf(undefined)('plain')).toBe('plain');
	});
});
