/** `thampi init` as a person sees it: on a real terminal, which echoes what is typed. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Project, project } from '../support/journey.ts'

/**
 * Python's `pty` stands for the terminal. It waits for each prompt before it types, as a person does; `^C` is the key.
 * What appeared on the screen goes to stdout, and the exit status is that of the program.
 */
const terminal = `
import json, os, pty, select, sys

typed = json.loads(sys.argv[1])
pid, screen = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b''
while True:
    try:
        ready, _, _ = select.select([screen], [], [], 60)
        piece = os.read(screen, 65536) if ready else b''
    except OSError:  # Linux says so when the program has closed its side
        piece = b''
    if not piece:
        break
    seen += piece
    if typed and seen.endswith(typed[0][0].encode()):
        _, keys = typed.pop(0)
        os.write(screen, b'\\x03' if keys == '^C' else keys.encode() + b'\\n')
sys.stdout.buffer.write(seen.replace(b'\\r\\n', b'\\n'))
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.flush()
os._exit(status if status >= 0 else 128 - status)
`

const bucketPrompt = /\(default 'thampi-[a-z0-9]{9}'\): /

describe('init on a terminal', () => {
  const shop = project()

  it('shows what is typed where it is typed, and nothing else beside the published words', async () => {
    writeProfiles(shop)
    const { status, out } = await onTerminal(
      shop,
      ['thampi', 'init'],
      [
        ['call your model: ', 'mymodel'],
        ["(default 'default'): ", 'default'],
        ["'): ", 'thampi-store'],
        ['(default: pip):', 'pip'],
      ],
    )
    expect(status).toBe(0)
    expect(plain(out).replace(bucketPrompt, "(default 'thampi-RANDOM'): ")).toBe(echoed())
    expect(out).toContain('\x1b[1mprivate S3 bucket\x1b[22m')
    expect(JSON.parse(shop.read('zappa_settings.json')).staging).toMatchObject({
      project_name: 'mymodel',
      s3_bucket: 'thampi-store',
    })
  })
})

describe('init on a terminal with NO_COLOR', () => {
  const shop = project()

  it('has no colours, and asks again after a name that cannot be', async () => {
    const { status, out } = await onTerminal(
      shop,
      ['thampi', 'init'],
      [
        ['call your model: ', 'my model'],
        ['call your model: ', ''],
        ['call your model: ', 'mymodel'],
        ["'): ", ''],
        ['(default: pip):', 'poetry'],
        ['(default: pip):', ''],
      ],
      { NO_COLOR: '1' },
    )
    expect(status).toBe(0)
    expect(out).toBe(plain(out))
    expect(out).toContain(
      'call your model: my model\nModel Name must match ^[a-zA-Z0-9_-]+$\nWelcome to Thampi!',
    )
    expect(out).toContain('call your model: \nModel Name is required\nWelcome to Thampi!')
    expect(out).toContain("poetry\nOnly ['conda', 'pip'] are supported\nEnter package manager")
  })
})

describe('Ctrl-C on a terminal', () => {
  const shop = project()

  it.each([
    ['at the first question', [['call your model: ', '^C']]],
    [
      'at the last question',
      [
        ['call your model: ', 'mymodel'],
        ["'): ", ''],
        ['(default: pip):', '^C'],
      ],
    ],
  ] as [string, [string, string][]][])('%s ends with 130 and leaves no file', async (_, typed) => {
    const { status, out } = await onTerminal(shop, ['thampi', 'init'], typed)
    expect(status).toBe(130)
    expect(out).toContain('INTERRUPTED')
    expect(shop.snapshot()).toEqual({})
  })

  it('at the question of undeploy changes nothing', async () => {
    shop.write('zappa_settings.json', JSON.stringify({ dev: { project_name: 'mymodel' } }))
    const before = shop.snapshot()
    const { status } = await onTerminal(shop, ['thampi', 'undeploy', 'dev'], [['[y/n] ', '^C']])
    expect(status).toBe(130)
    expect(shop.snapshot()).toEqual(before)
  })
})

async function onTerminal(
  shop: Project,
  command: readonly string[],
  typed: readonly (readonly [prompt: string, keys: string])[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ status: number | null; out: string }> {
  const { status, out, err } = await shop.run('python', ['-c', terminal, JSON.stringify(typed), ...command], {
    env: { TERM: 'xterm', ...env },
  })
  expect(err).toBe('')
  return { status, out }
}

function writeProfiles(shop: Project): void {
  shop.write('../aws.ini', '[profile analytics]\nregion = eu-west-1\n\n[default]\nregion = us-east-1\n')
}

/** The transcript of the pipe, with each answer and the end of its line where the terminal shows them. */
function echoed(): string {
  const piped = readFileSync(new URL('init-transcript.txt', import.meta.url), 'utf8')
  return piped
    .replace('call your model: ', 'call your model: mymodel\n')
    .replace("(default 'default'): ", "(default 'default'): default\n")
    .replace("(default 'thampi-RANDOM'): ", "(default 'thampi-RANDOM'): thampi-store\n")
    .replace('(default: pip):', '(default: pip):pip\n')
}

function plain(text: string): string {
  const styles = /\u001b\[[0-9;]*m/g
  return text.replace(styles, '')
}
