/**
 * What every process of botbox gives its Node, so that a worker with 100,000 bots stays below 400 MiB. Left to itself V8 lets the young generation
 * of a busy process grow to 128 MiB, and the old one to several times what is in use before it looks through it: with 100,000 bots a worker
 * held 580 MiB after two cycles, of which 110 were in use. So halves of 8 MiB, and a collection whenever the old generation is 60% larger than the last one left it.
 * Both are fixed before the first line of a program runs, hence stand wherever one is started: the first line of `bin/botbox.js`, its
 * hand-over to the pinned Node, the scripts of package.json, the children of `up` and the workers of the benchmarks. A test holds them together.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=60'];
