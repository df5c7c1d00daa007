import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Builds the page into dist/dashboard, from where the API serves it. */
export default defineConfig({
	root: fileURLToPath(new URL('src/dashboard', import.meta.url)),
	base: './',
	plugins: [react()],
	build: {
		outDir: fileURLToPath(new URL('dist/dashboard', import.meta.url)),
		emptyOutDir: true,
		// Everything is a file of its own: a strict content security policy admits no data: URLs.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		target: 'es2023',
	},
	// `vite` alone serves the page while one works on it; the API runs beside it.
	server: { proxy: { '/api': process.env.BOTBOX_API ?? 'http://127.0.0.1:8085' } },
});
