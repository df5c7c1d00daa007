/**
 * Adds to package-lock.json the optional packages of other platforms that `npm install` left out, and nothing else.
 *
 * A registry mirror that lacks, say, @dbmate/darwin-arm64 makes npm write a lock without it; `npm ci` then calls that
 * lock out of step with package.json and refuses it, here and on every other machine. The entries added name the exact
 * version and the platform, so npm passes over them where they do not fit and fetches them where they do.
 *
 *     npm install … && node .ci/complete-lock.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const text = readFileSync(path, 'utf8');
const lock = JSON.parse(text);

const systems = {
	android: 'android',
	darwin: 'darwin',
	linux: 'linux',
	freebsd: 'freebsd',
	win32: 'win32',
	windows: 'win32',
};
const processors = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64'];
const libraries = { musl: 'musl', gnu: 'glibc', gnueabihf: 'glibc' };

/** `@swc/core-linux-x64-musl` → os linux, cpu x64, libc musl; undefined when the name is not that of a platform. */
function platformOf(name) {
	const words = name.split(/[/-]/);
	const os = words.map((word) => systems[word]).find(Boolean);
	const cpu = words.find((word) => processors.includes(word));
	const libc = words.map((word) => libraries[word]).find(Boolean);
	if (os === undefined || cpu === undefined) return undefined;
	return { ...(libc ? { libc: [libc] } : {}), os: [os], cpu: [cpu] };
}

/** Where Node would find `name` from the package at `location`. */
function isLocked(location, name) {
	for (let at = location; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
		if (`${at ? `${at}/` : ''}node_modules/${name}` in lock.packages) return true;
		if (at === '' || !at.includes('/')) return `node_modules/${name}` in lock.packages;
	}
}

const added = [];
for (const [location, entry] of Object.entries(lock.packages)) {
	for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
		if (isLocked(location, name)) continue;
		const platform = platformOf(name);
		if (platform === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
			throw new Error(`${name}@${version}, wanted by ${location}: cannot tell its platform and exact version`);
		}
		const dev = entry.dev ? { dev: true } : {};
		lock.packages[`node_modules/${name}`] = { version, ...dev, license: entry.license, optional: true, ...platform };
		added.push(name);
	}
}
// npm's order, so that its next writing of the file changes nothing else.
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
const indent = /^[\t ]+/m.exec(text)?.[0] ?? '\t';
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, indent)}\n`);
console.log(added.length === 0 ? 'nothing is missing' : `added ${added.join(', ')}`);
