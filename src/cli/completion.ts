/** Completion of `botbox` for shells, written from the tree of commands, so that it cannot lag behind them. */
import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A command by the words that lead to it: '' for botbox itself, 'bots list' for that one. */
interface Node {
	readonly path: string;
	readonly commands: readonly { readonly name: string; readonly about: string }[];
	readonly options: readonly Option[];
}

export function completionScript(shell: Shell, program: Command): string {
	const nodes = nodesOf(program, '');
	return { bash, zsh, fish }[shell](nodes);
}

function nodesOf(command: Command, path: string): Node[] {
	const node: Node = {
		path,
		commands: command.commands.map((child) => ({ name: child.name(), about: child.description() })),
		options: command.createHelp().visibleOptions(command),
	};
	return [node, ...command.commands.flatMap((child) => nodesOf(child, `${path} ${child.name()}`.trim()))];
}

/** Names of its options as they are typed. */
function flagsOf(node: Node): string[] {
	return node.options.flatMap(({ short, long }) => [short, long].filter((flag) => flag != null));
}

/** Options with a closed list of values. */
function choicesOf(node: Node): { readonly flag: string; readonly values: readonly string[] }[] {
	return node.options.flatMap(({ long, argChoices }) =>
		long == null || argChoices === undefined ? [] : [{ flag: long, values: argChoices }],
	);
}

/** The part that bash and zsh share: which command was typed so far, and the words that may follow. */
function cases(nodes: readonly Node[]): { paths: string; values: string; words: string } {
	const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
	const values = nodes.flatMap((node) =>
		choicesOf(node).map(({ flag, values }) => `\t\t'${node.path} ${flag}') words='${values.join(' ')}' ;;`),
	);
	const words = nodes.map(
		(node) =>
			`\t\t\t'${node.path}') words='${[...node.commands.map(({ name }) => name), ...flagsOf(node)].join(' ')}' ;;`,
	);
	return { paths: paths.join('|'), values: values.join('\n'), words: words.join('\n') };
}

function bash(nodes: readonly Node[]): string {
	const { paths, values, words } = cases(nodes);
	return `# Completion of botbox for bash: source <(botbox completion bash)
_botbox() {
	local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path='' words='' typed i
	for ((i = 1; i < COMP_CWORD; i++)); do
		typed="\${path:+$path }\${COMP_WORDS[i]}"
		case "$typed" in
			${paths}) path=$typed ;;
		esac
	done
	case "$path $previous" in
${values}
		*) case "$path" in
${words}
		esac ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$word"))
}
# Where no word of ours fits, a file may be meant.
complete -o default -F _botbox botbox
`;
}

function zsh(nodes: readonly Node[]): string {
	const { paths, values, words } = cases(nodes);
	return `#compdef botbox
# Completion of botbox for zsh: source <(botbox completion zsh)
_botbox() {
	local previous=\${words[CURRENT-1]} path_='' typed i
	local -a line=("\${words[@]}")
	local words=''
	for ((i = 2; i < CURRENT; i++)); do
		typed="\${path_:+$path_ }\${line[i]}"
		case "$typed" in
			${paths}) path_=$typed ;;
		esac
	done
	case "$path_ $previous" in
${values}
		*) case "$path_" in
${words}
		esac ;;
	esac
	compadd -- \${=words} || _files
}
compdef _botbox botbox
`;
}

function fish(nodes: readonly Node[]): string {
	const lines = nodes.flatMap((node) => {
		const when = `-n '__botbox_at "${node.path}"'`;
		return [
			...node.commands.map(({ name, about }) => `complete -c botbox ${when} -f -a ${name} -d ${quoted(about)}`),
			...node.options.map(({ short, long, description, argChoices, required, optional }) => {
				const names = [short == null ? '' : `-s ${short.slice(1)}`, long == null ? '' : `-l ${long.slice(2)}`];
				const values = argChoices === undefined ? '' : `-x -a '${argChoices.join(' ')}'`;
				const takes = values !== '' ? values : required || optional ? '-r' : '';
				return ['complete -c botbox', when, ...names, takes, `-d ${quoted(description)}`]
					.filter((part) => part !== '')
					.join(' ');
			}),
		];
	});
	const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
	return `# Completion of botbox for fish: botbox completion fish | source
function __botbox_at
	set -l path ''
	for word in (commandline -opc)[2..-1]
		set -l typed (string trim "$path $word")
		switch $typed
			case ${paths.join(' ')}
				set path $typed
		end
	end
	test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function quoted(text: string): string {
	return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
