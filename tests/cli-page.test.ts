/** The page of the command line is what the built command line itself says. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const cli = 'lib/cli.mjs'
const start = promisify(execFile)

it('docs/reference/cli.md is what --help says', async () => {
  if (!existsSync(cli)) throw new Error(`${cli} is missing: run \`node scripts/build.mjs\``)
  const overview = await help()
  const commands = commandsIn(overview)
  expect(commands).toContain('serve')
  const sections = await Promise.all(
    commands.map(async name => `## ${name}\n\n\`\`\`text\n${await help(name)}\n\`\`\``),
  )
  await expect(page(overview, sections)).toMatchFileSnapshot('../docs/reference/cli.md')
})

async function help(...command: string[]): Promise<string> {
  const { stdout } = await start(process.execPath, [cli, ...command, '--help'], {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  return stdout.trim()
}

/** `  logs, tail [stage]  What …` → `logs`; options begin with a dash. */
function commandsIn(overview: string): string[] {
  return [...overview.matchAll(/^ {2}([a-z]+)(?:, [a-z]+)?(?: (?:\[[a-z]+\]|<[a-z]+>))? {2}/gm)].map(
    ([, name]) => name as string,
  )
}

function page(overview: string, sections: readonly string[]): string {
  return `# Command line

Generated from the built command line. To write it again: \`node scripts/build.mjs && npx vitest run --project unit tests/cli-page.test.ts -u\`

Results go to standard output, everything else to standard error. Options of several words have two spellings, with \`_\` as published
in 2018 and with \`-\`. Errors and exit statuses: [errors.md](errors.md).

\`\`\`text
${overview}
\`\`\`

${sections.join('\n\n')}
`
}
