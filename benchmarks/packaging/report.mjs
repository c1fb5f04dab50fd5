/** What was measured of packaging, as a page. */
import { describeMachine } from '../machine.mjs'
import { median, shown, spread } from '../numbers.mjs'

/** More than this beside us, and times say something about the neighbours. */
const quiet = 0.5
const mostMB = 300

export function report({ rows, sizes, checked, runs, machine }) {
  const { cpu, cores, memoryGB, os, node } = describeMachine()
  const memory = Math.max(...rows.flatMap(({ ours }) => ours.map(({ told }) => told?.memory ?? 0))) / 1e6
  const disturbed =
    machine.before > quiet
      ? `\n**Disturbed:** ${shown(machine.before)} processes of others ran when this began. Seconds are too high; columns of one row can be compared.\n`
      : ''
  return `# Packaging

Written by \`node benchmarks/packaging.mjs\`: scikit-learn, scipy, numpy and what they need, as a layer for Lambda's Python 3.13, from one lock.
Medians of ${runs} ${runs === 1 ? 'round' : 'rounds'}, in which all take turns; whole processes from start to end, but for the import. ± is half of what lies between the fastest and the slowest. A ratio above 1 means
that others take longer. Processors: seconds that all of them worked, without waiting.

${cpu}, ${cores} cores, ${memoryGB} GB, ${os}, Node ${node}, ${new Date().toISOString().slice(0, 10)}. Load when it began ${shown(machine.before)}; the machine was busy to ${shown(machine.busy)} % meanwhile,
our own work included; ${shown(machine.stolen)} % of its time was taken by its own host.
${disturbed}
| | Thampi | target | others | which | ratio | target | processors: Thampi | others |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.map(line).join('\n')}

\`wheels known\`: what was found in them and compiled of them was kept, the layer was not. \`nothing at hand\`: neither wheels nor notes, and no cache of uv. \`the same layer again\`: all of it is kept,
and read to see whether it is whole. \`first import\`: of \`sklearn.ensemble\` and \`sklearn.linear_model\`, timed by the process that imports; \`the process around it\`: the interpreter's start, that import,
a model fitted and asked, and the end. It ${rows.find(({ cold }) => cold !== undefined).cold ? 'finds nothing in memory' : 'may find files in memory'}, as a cold start. The interpreter's own library is compiled, as wherever Python is installed.

| | Thampi | others | which | of that | target |
| --- | --- | --- | --- | --- | --- |
${sizes.map(sizeLine).join('\n')}

Memory at most, in any of these runs: ${shown(memory)} MB; ≤ ${mostMB} MB is the target.

Checked in this run:

${checked.map(text => `- ${text}`).join('\n')}

## Where the seconds are

A wheel is a zip of what the layer is to hold, so that its packed bytes are copied; that takes a few tenths of a second. Unpacking every file once in memory, for
checksums, the wheel's own list and what its libraries need, takes most of the rest without bytecode, and runs on all processors while other wheels arrive and
while the archive is written. With bytecode, Python's compiler takes most; what it made is kept for each wheel, so that a package that comes or goes costs its own.

Of the first import with bytecode, half is the modules' own work: classes, functions, and texts of help that scipy and scikit-learn put together at import. Loading shared
libraries takes a sixth, reading bytecode from disk a seventh, making objects of it a ninth, finding the files a thirtieth. Without bytecode the modules' work and the
libraries cost the same, and compiling comes on top, which alone takes longer than all of the import with bytecode: that is the ratio, and no layer can raise it much.
Bytecode side by side in the archive, and an import without Python's garbage collector, made no difference that could be told from chance.
`
}

function line({ what, goal, ours, against = '', target = '', theirs }) {
  const [one, other] = [ours, theirs].map(runs => runs.map(({ seconds }) => seconds))
  const [worked, theirsWorked] = [ours, theirs].map(runs => runs.map(({ processors }) => processors))
  const has = other.length > 0
  const ratio = has ? `${shown(median(other) / median(one))} ×` : ''
  return `| ${what} | ${cell(one)} | ${goal} | ${has ? cell(other) : ''} | ${against} | ${ratio} | ${target} | ${cell(worked)} | ${has ? cell(theirsWorked) : ''} |`
}

function sizeLine({ what, ours, theirs, against, target }) {
  const share = `${shown((100 * ours) / theirs)} %`
  return `| ${what} | ${shown(ours / 1e6)} MB | ${shown(theirs / 1e6)} MB | ${against} | ${share} | ${target} |`
}

function cell(seconds) {
  const around = seconds.length > 1 ? ` ± ${shown(spread(seconds))} %` : ''
  return `${shown(median(seconds))} s${around}`
}
