/** The import rule of ARCHITECTURE.md: cli → workers, api → exchange, market, strategies → database → config, errors, domain. */
const base = '^src/(config|errors|domain|logger|metrics)\\.ts$';
const only = (name, from, allowed) => ({
	name,
	severity: 'error',
	comment: `${name}: may import ${allowed.join(', ') || 'nothing of src'}`,
	from: { path: from },
	to: { path: '^src/', pathNot: [from, base, ...allowed] },
});

module.exports = {
	forbidden: [
		{ name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
		only('base-imports-nothing', '^src/(config|errors|domain|logger|metrics)\\.ts$', []),
		only('database', '^src/database/', []),
		only('exchange', '^src/exchange/', ['^src/database/']),
		only('strategies-are-pure', '^src/strategies/', []),
		{
			name: 'strategies-do-no-io',
			severity: 'error',
			from: { path: '^src/strategies/' },
			to: {
				path: '^(node:|fs|net|http|pg|ccxt|pino|src/(config|logger|metrics)\\.ts)',
				pathNot: '^(node_modules/)?(zod|decimal\\.js)',
			},
		},
		only('market', '^src/market/', ['^src/database/', '^src/strategies/', '^src/exchange/']),
		only('sandbox', '^src/sandbox/', ['^src/(market|strategies)/']),
		only('alerts', '^src/alerts/', ['^src/(database|exchange)/']),
		only('workers', '^src/workers/', ['^src/(alerts|database|exchange|market|strategies|sandbox)/']),
		only('api', '^src/api/', ['^src/(database|exchange|market|strategies|sandbox)/']),
		only('simulator', '^src/simulator/', []),
		only('dashboard', '^src/dashboard/', []),
		{
			name: 'simulator-only-from-cli',
			severity: 'error',
			from: { path: '^src/', pathNot: ['^src/cli', '^src/simulator/'] },
			to: { path: '^src/simulator/' },
		},
		{
			name: 'nothing-imports-cli',
			severity: 'error',
			from: { pathNot: ['^src/cli', '^test/', '^bench/'] },
			to: { path: '^src/cli' },
		},
		{ name: 'nothing-imports-tests', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench)/' } },
	],
	options: {
		parser: 'swc',
		tsPreCompilationDeps: true,
		doNotFollow: { path: 'node_modules' },
		exclude: { path: 'zapatos' },
	},
};
