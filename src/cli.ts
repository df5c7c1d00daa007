/** The one executable: `botbox <command>`. Exit 0 done, 1 failed, 2 wrong use; errors are one line on stderr. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { registerAccounts } from './cli/commands/accounts.ts';
import { registerAlerts } from './cli/commands/alerts.ts';
import { registerBots } from './cli/commands/bots.ts';
import { registerBreaker } from './cli/commands/breaker.ts';
import { registerCandles } from './cli/commands/candles.ts';
import { registerCompletion } from './cli/commands/completion.ts';
import { registerDatabase } from './cli/commands/database.ts';
import { registerFlatten } from './cli/commands/flatten.ts';
import { registerIndicators } from './cli/commands/indicators.ts';
import { registerKeys } from './cli/commands/keys.ts';
import { registerLimits } from './cli/commands/limits.ts';
import { registerPauses } from './cli/commands/pauses.ts';
import { registerProcesses } from './cli/commands/processes.ts';
import { registerRollouts } from './cli/commands/rollouts.ts';
import { registerSignals } from './cli/commands/signals.ts';
import { registerStatus } from './cli/commands/status.ts';
import { registerStrategies } from './cli/commands/strategies.ts';
import { registerTokens } from './cli/commands/tokens.ts';
import { registerTrades } from './cli/commands/trades.ts';
import { readEnvironment } from './cli/session.ts';
import { version } from './cli/version.ts';
import { errorMessage, UsageError } from './errors.ts';

export function buildProgram(): Command {
	const program = new Command('botbox')
		.description('Signal generation and trade orchestration for many trading bots in one PostgreSQL database')
		.version(version)
		// So that a command may have a --version of its own.
		.enablePositionalOptions()
		.showHelpAfterError(false);
	registerProcesses(program);
	registerDatabase(program);
	registerStatus(program);
	registerBots(program);
	registerAccounts(program);
	registerStrategies(program);
	registerCandles(program);
	registerSignals(program);
	registerIndicators(program);
	registerPauses(program);
	registerFlatten(program);
	registerTrades(program);
	registerBreaker(program);
	registerRollouts(program);
	registerAlerts(program);
	registerLimits(program);
	registerKeys(program);
	registerTokens(program);
	registerCompletion(program);
	// Every command throws instead of ending the process, so that each error is told in one way, below.
	const visit = (command: Command): void => {
		// What commander would say on stderr, help for a bare group included, is said below in one line.
		command.exitOverride().configureOutput({ outputError: () => undefined, writeErr: () => undefined });
		command.commands.forEach(visit);
	};
	visit(program);
	// A wrong environment is told before anything is done, also by commands that read none of it.
	program.hook('preAction', () => void readEnvironment());
	return program;
}

export async function main(argv: readonly string[]): Promise<void> {
	// Whoever reads the output may stop early, as `head` does.
	process.stdout.on('error', (error: NodeJS.ErrnoException) => {
		if (error.code === 'EPIPE') process.exit(0);
		throw error;
	});
	const code = await run(argv);
	process.exitCode = code;
	// What failed may have left connections and timers behind, which would keep the process for half a minute.
	if (code !== 0) process.exit(code);
}

/** Runs one command to its end and answers its exit code; what it printed, and its one line of error, is out by then. */
export async function run(argv: readonly string[]): Promise<number> {
	try {
		await buildProgram().parseAsync([...argv]);
		return typeof process.exitCode === 'number' ? process.exitCode : 0;
	} catch (error) {
		if (error instanceof CommanderError) {
			// Help and version were asked for and are out already.
			if (error.exitCode === 0) return 0;
			const isBare = error.code === 'commander.help';
			process.stderr.write(
				isBare ? 'botbox: a command is needed, see botbox --help\n' : `botbox: ${oneLine(error.message)}\n`,
			);
			return 2;
		}
		process.stderr.write(`botbox: ${oneLine(errorMessage(error))}\n`);
		return error instanceof UsageError ? 2 : 1;
	}
}

function oneLine(message: string): string {
	return message
		.replace(/^error: /, '')
		.replaceAll(/\s*\n\s*/g, ' ')
		.trim();
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
	await main(process.argv);
