/** The other side of alert channels on loopback: an HTTP server that keeps what it was sent, and a small SMTP server. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';

export interface ReceivedRequest {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
}

export interface Receiver {
	readonly url: string;
	readonly requests: ReceivedRequest[];
	/** How it answers from now on; `hang`: not at all. */
	answer(status: number | 'hang', body?: string): void;
	/** Once a request has come that was not there before. */
	arrival(): Promise<void>;
	close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
	const requests: ReceivedRequest[] = [];
	let status: number | 'hang' = 200;
	let text = 'ok';
	let tell: () => void = () => undefined;
	const server = createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		requests.push({
			method: request.method ?? '',
			path: request.url ?? '',
			headers: request.headers,
			body: Buffer.concat(chunks).toString('utf8'),
		});
		tell();
		if (status === 'hang') return;
		response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
		response.end(text);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		requests,
		answer: (next, body = 'ok') => {
			status = next;
			text = body;
		},
		arrival: () =>
			new Promise((resolve) => {
				tell = resolve;
			}),
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

export interface Mail {
	readonly from: string;
	readonly to: string;
	readonly login: string | null;
	/** Headers and text as they came, dots unstuffed. */
	readonly data: string;
}

export interface MailServer {
	readonly port: number;
	readonly mails: Mail[];
	/** Refuses every recipient from now on, with this line. */
	refuse(line: string | null): void;
	close(): Promise<void>;
}

/** Speaks as much of RFC 5321 as a client needs to hand over a mail, and AUTH PLAIN. */
export async function startMailServer(): Promise<MailServer> {
	const mails: Mail[] = [];
	const sockets = new Set<Socket>();
	let refusal: string | null = null;
	const server = createSocketServer((socket) => {
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
		socket.on('error', () => undefined);
		const say = (line: string): void => void socket.write(`${line}\r\n`);
		let [from, to, data] = ['', '', ''];
		let login: string | null = null;
		let isData = false;
		let pending = '';
		const obey = (line: string): void => {
			const verb = line.split(/[ :]/)[0]?.toUpperCase();
			if (verb === 'EHLO') say('250-loopback\r\n250 AUTH PLAIN');
			else if (verb === 'AUTH') {
				login = Buffer.from(line.split(' ')[2] ?? '', 'base64')
					.toString('utf8')
					.replaceAll('\0', ' ')
					.trim();
				say('235 welcome');
			} else if (verb === 'MAIL') {
				from = /<(.*?)>/.exec(line)?.[1] ?? '';
				say('250 ok');
			} else if (verb === 'RCPT') {
				to = /<(.*?)>/.exec(line)?.[1] ?? '';
				say(refusal ?? '250 ok');
			} else if (verb === 'DATA') {
				isData = true;
				data = '';
				say('354 go on');
			} else if (verb === 'QUIT') {
				say('221 bye');
				socket.end();
			} else say('250 ok');
		};
		socket.on('data', (chunk) => {
			pending += chunk.toString('utf8');
			for (let end = pending.indexOf('\r\n'); end !== -1; end = pending.indexOf('\r\n')) {
				const line = pending.slice(0, end);
				pending = pending.slice(end + 2);
				if (!isData) obey(line);
				else if (line === '.') {
					isData = false;
					mails.push({ from, to, login, data });
					say('250 taken');
				} else data += `${line.replace(/^\.\./, '.')}\n`;
			}
		});
		say('220 loopback ESMTP');
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		port: (server.address() as AddressInfo).port,
		mails,
		refuse: (line) => {
			refusal = line;
		},
		close: async () => {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
