import { expect, it } from 'vitest'
import { type ErrorCode, errorCodes } from '../src/errors.ts'
import { errorTexts } from './support/error-texts.ts'

it('docs/reference/errors.md explains every code there is', async () => {
  expect(Object.keys(errorTexts).sort()).toEqual(Object.keys(errorCodes).sort())
  await expect(errorsPage()).toMatchFileSnapshot('../docs/reference/errors.md')
})

function errorsPage(): string {
  const codes = Object.keys(errorCodes) as ErrorCode[]
  return `# Errors of the command line

Generated from \`src/errors.ts\` and \`tests/support/error-texts.ts\`. To write it again:
\`npx vitest run --project unit tests/errors-page.test.ts -u\`

An error says what happened, why, and what mends it; then its code and this page. It goes to standard error. With \`--json\` standard
output holds one document instead, \`{"error": {"code", "message", "hint", "docs"}}\`, and \`problem\` when a server sent one. In Python
the same arrives as \`thampi.ThampiError\` with \`code\`, \`message\` and \`hint\`.

Codes are stable; messages may change. \`--verbose\` adds the stack. Errors that an endpoint answers with are another list:
[http.md](http.md#problems).

## Exit statuses

| status | meaning | status | meaning |
| --- | --- | --- | --- |
| 0 | done | 6 | unavailable: network, local platform |
| 1 | failed, none of the others; \`predict\` got an error | 7 | the model failed to load or to predict |
| 2 | usage, missing input | 8 | packing or dependencies |
| 3 | permission | 9 | integrity |
| 4 | not found | 130 | Ctrl-C |
| 5 | conflict | | |

${codes.map(section).join('\n\n')}
`
}

function section(code: ErrorCode): string {
  const { exit, title } = errorCodes[code]
  const { means, looks, mends } = errorTexts[code]
  return `## ${code}

${title}. Exit status ${exit}.

${means}

\`\`\`text
${looks}
\`\`\`

${mends}`
}
