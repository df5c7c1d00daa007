/**
 * Secrets at rest, of exchanges and of alert channels: AES-256-GCM under BOTBOX_MASTER_KEY. The stored bytes are
 * version (1), key id (4: the start of the key's SHA-256), nonce (12), tag (16), ciphertext;
 * version and key id are authenticated too, so that nothing of it can be exchanged unnoticed.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { BotboxError } from '../errors.ts';

const credentialsShape = z.strictObject({
	apiKey: z.string().min(1),
	secret: z.string().min(1),
	password: z.string().min(1).optional(),
});
export type Credentials = z.output<typeof credentialsShape>;

const version = 1;
const keyBytes = 32;
const keyIdBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 1 + keyIdBytes;

export function encryptCredentials(credentials: Credentials, masterKey: string): Buffer {
	return sealSecret(credentialsShape.parse(credentials), masterKey);
}

/** Any JSON value, encrypted. */
export function sealSecret(value: unknown, masterKey: string): Buffer {
	const key = parseMasterKey(masterKey);
	const header = Buffer.concat([Buffer.of(version), keyIdOf(key)]);
	const nonce = randomBytes(nonceBytes);
	const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(header);
	const text = JSON.stringify(value);
	const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
	return Buffer.concat([header, nonce, cipher.getAuthTag(), body]);
}

/** Throws CREDENTIALS_UNREADABLE, which never tells more than why: another key, or damage (`details.is_damaged`). */
export function decryptCredentials(stored: Buffer, masterKey: string): Credentials {
	return openSecret(stored, masterKey, credentialsShape, 'The exchange credentials');
}

/** What sealSecret made, read by its shape; `what` begins the message of CREDENTIALS_UNREADABLE. */
export function openSecret<T>(stored: Buffer, masterKey: string, shape: z.ZodType<T>, what: string): T {
	const key = parseMasterKey(masterKey);
	const header = stored.subarray(0, headerBytes);
	const bodyAt = headerBytes + nonceBytes + tagBytes;
	if (stored.length <= bodyAt || header[0] !== version)
		throw unreadable(what, 'they are damaged or of another version');
	if (!header.subarray(1).equals(keyIdOf(key)))
		throw unreadable(what, 'they were encrypted with another BOTBOX_MASTER_KEY', false);
	try {
		const nonce = stored.subarray(headerBytes, headerBytes + nonceBytes);
		const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
			.setAAD(header)
			.setAuthTag(stored.subarray(headerBytes + nonceBytes, bodyAt));
		const text = Buffer.concat([decipher.update(stored.subarray(bodyAt)), decipher.final()]).toString('utf8');
		return shape.parse(JSON.parse(text));
	} catch {
		// The cause is left out on purpose: a parser's message may quote what it read.
		throw unreadable(what, 'they are damaged');
	}
}

export function parseMasterKey(masterKey: string): Buffer {
	const key = Buffer.from(masterKey, 'base64');
	if (key.length !== keyBytes)
		throw new BotboxError(
			'CONFIGURATION_INVALID',
			`BOTBOX_MASTER_KEY must be ${keyBytes} bytes in base64, not ${key.length}`,
		);
	return key;
}

function keyIdOf(key: Buffer): Buffer {
	return createHash('sha256').update('botbox key id').update(key).digest().subarray(0, keyIdBytes);
}

function unreadable(what: string, why: string, isDamaged = true): BotboxError {
	return new BotboxError('CREDENTIALS_UNREADABLE', `${what} cannot be decrypted: ${why}`, {
		details: { is_damaged: isDamaged },
	});
}

/** Takes secrets out of a text on its way into an error or a log; exchanges echo API keys in their refusals. */
export type Redact = (text: string) => string;

export function redactorOf(credentials: Credentials | undefined): Redact {
	const secrets = credentials === undefined ? [] : Object.values(credentials).filter((value) => value !== undefined);
	return (text) => {
		let redacted = text;
		for (const secret of secrets) redacted = redacted.replaceAll(secret, '[redacted]');
		return redacted;
	};
}
