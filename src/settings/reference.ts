/** The reference page of settings, made of the same table that the reader uses. */
import type { Key } from './key.ts'
import { keys } from './keys.ts'

/** The text of `docs/reference/settings.md`. */
export function settingsReference(): string {
  return `# Settings

Generated from \`src/settings/keys.ts\`. To write it again: \`npx vitest run --project unit src/settings/reference.test.ts -u\`

\`zappa_settings.json\` in the project directory names the stages; each of its keys is a stage. \`zappa_settings.toml\`,
\`.yml\` and \`.yaml\` are read as well, JSON wins. A top-level \`$schema\` is not a stage. Without a file there is one stage,
\`dev\`, served locally. \`null\` means that a key is not set, which also takes an inherited one away.

\`thampi init\` writes the file. Nothing else ever does.

## Everywhere

${table(keys.filter(key => key.where === 'everywhere' && isUsed(key)))}

Where a stage is served: \`--platform\`, else \`THAMPI_PLATFORM\`, else \`thampi.platform\`, else \`aws\` for a stage that
names a profile, else \`local\`.

\`extends\` can be repeated: a stage has the keys of the stage it extends, and of the one which that one extends. A key of
its own replaces the inherited one as a whole; the keys of \`thampi\` are inherited one by one.

## On AWS

These keys are kept for stages that are served on AWS and change nothing elsewhere.

${table(keys.filter(key => key.where === 'aws' && isUsed(key)))}

## Without effect

Files of Zappa may hold these keys. They stay where they are, and a command says once that it ignores them.

${table(keys.filter(key => key.advice === 'ignore'))}

## Refused

${table(keys.filter(key => key.advice === 'refuse'))}

Keys that are in none of these tables are ignored as well, with a warning that names the nearest known spelling.
`
}

function isUsed({ advice }: Key): boolean {
  return advice === 'honour' || advice === 'map'
}

function table(rows: readonly Key[]): string {
  const lines = rows.map(({ name, kind, meaning, note }) =>
    [`\`${name}\``, kind.wanted, note === undefined ? meaning : `${meaning} ${note}`].join(' | '),
  )
  return ['key | value | meaning', '--- | --- | ---', ...lines].map(line => `| ${line} |`).join('\n')
}
