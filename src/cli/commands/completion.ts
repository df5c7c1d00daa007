/** `botbox completion <shell>`: the script that a shell completes commands and options by. */
import { Argument, type Command } from 'commander';
import { completionScript, type Shell, shells } from '../completion.ts';

export function registerCompletion(program: Command): void {
	program
		.command('completion')
		.description('print the script by which a shell completes commands and options')
		.addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(shells))
		.action((shell: Shell) => {
			process.stdout.write(completionScript(shell, program));
		});
}
