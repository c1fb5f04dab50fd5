/** G16: secrets beside the code, in the code, in the pickle, in the environment, in requests. */
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'
import { python, saveModel } from '../models.ts'
import type { World } from '../world.ts'

/** Files that are known by their names never travel, whatever is in them. */
const names = [
  '.env',
  '.env.production',
  '.envrc',
  '.npmrc',
  '.pypirc',
  '.netrc',
  '.pgpass',
  '.aws/credentials',
  '.ssh/id_ed25519',
  '.kube/config',
  'keys/id_rsa',
  'keys/server.pem',
  'keys/tls.key',
  'keys/store.p12',
  'keys/vault.kdbx',
  'credentials.json',
  'secrets.yaml',
  'client_secret_1.json',
  'infra/terraform.tfstate',
  'infra/prod.tfvars',
]

export const secrets: Figure = {
  id: 'G16',
  title: 'secrets planted in names, code, pickle, environment and requests',
  mutants: [
    {
      name: 'one pattern is missing',
      edits: [
        {
          file: 'src/bundle/secrets.ts',
          find: "shape('a Slack token', 'xox'",
          replace: "shape('a Slack token', '\\0'",
        },
      ],
      reddens: 'kinds of token that were not found in code',
    },
    {
      name: 'models get the whole environment',
      edits: [
        {
          file: 'src/platforms/local/launch.ts',
          find: 'passedOn.test(entry[0])',
          replace: 'entry[1] !== undefined',
        },
      ],
      reddens: 'canaries in the environment of a model',
    },
  ],
  run: async lab => {
    const canary = (): string => `canary${lab.letters(32)}`
    const planted = { name: canary(), key: canary(), database: canary(), header: canary(), body: canary() }
    const world = await lab.world({
      env: { AWS_SECRET_ACCESS_KEY: planted.key, DATABASE_URL: planted.database },
    })

    const tokens = tokensOf(lab)
    for (const [i, token] of tokens.entries()) plant(world, `code/part${i}.py`, `TOKEN = """${token}"""\n`)
    const missed = tokens.length - placesIn((await world.tryToServe('a')).err)
    for (const i of tokens.keys()) plant(world, `code/part${i}.py`, 'TOKEN = None\n')

    const carrier = join(lab.dir, 'carrier')
    await saveModel(tokens[0] as string, carrier)
    const carried = await world.thampi('serve', 'live', `--model_dir=${carrier}/probe`, `--python=${python}`)

    for (const name of names) plant(world, name, `PASSWORD=${planted.name}\n`)
    symlinkSync(join(world.project, '.env'), join(world.project, 'linked.py'))
    linkSync(join(world.project, '.env'), join(world.project, 'twin.py'))
    await world.serve('a')
    await askWith(world, planted.header, planted.body)
    const environments = (await world.sandboxes()).map(pid => readFileSync(`/proc/${pid}/environ`, 'utf8'))
    await world.thampi('host', '--stop')
    await sleep(100)
    const kept = filesIn(world.home).filter(path => {
      const text = readFileSync(path, 'latin1')
      return Object.values(planted).some(secret => text.includes(secret))
    })
    return [
      { name: 'planted', got: tokens.length + names.length + 3 + 4, atLeast: 25 },
      none('kinds of token that were not found in code', missed),
      none('tokens that travelled in a pickle', carried.err.includes('SECRET_FOUND') ? 0 : 1),
      none('canaries in state and logs', kept),
      none(
        'canaries in the environment of a model',
        environments.filter(text => text.includes(planted.key) || text.includes(planted.database)),
      ),
      { name: 'models looked at', got: environments.length, atLeast: 1 },
    ]
  },
}

/** Made anew for each run: whoever searches this repository for tokens finds none. */
function tokensOf(lab: Lab): string[] {
  const some = (length: number): string => lab.letters(length)
  const capitals = (length: number): string => some(length).toUpperCase().replace(/[0-9]/g, 'Q')
  const privateKey = ['-----BEGIN', 'RSA PRIVATE KEY-----'].join(' ')
  return [
    `AKIA${capitals(16)}`,
    `ASIA${capitals(16)}`,
    `aws_secret_access_key = ${some(40)}`,
    `${privateKey}\n${some(64)}`,
    `ghp_${some(36)}`,
    `github_pat_${some(60)}`,
    `glpat-${some(20)}`,
    `xoxb-${some(6)}1234${some(14)}`,
    `npm_${some(36)}`,
    `pypi-AgE${some(50)}`,
    `hf_${some(34)}`,
    `AIza${some(35)}`,
    `sk_live_${some(24)}`,
    `sk-proj-${some(20)}A1${some(20)}`,
    `eyJ${some(20)}.eyJ${some(20)}.${some(30)}`,
  ]
}

/** The refusal names the first place, some others, and how many more there are. */
function placesIn(refusal: string): number {
  const more = Number(/ and (\d+) more/.exec(refusal)?.[1] ?? 0)
  return new Set(refusal.match(/code\/part\d+\.py:\d+/g)).size + more
}

function plant(world: World, path: string, text: string): void {
  const target = join(world.project, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, text)
}

function askWith(world: World, header: string, body: string): Promise<void> {
  const headers = { Authorization: `Bearer ${header}`, Cookie: `session=${header}`, 'X-Api-Key': header }
  return new Promise((resolve, reject) => {
    const sent = request(`${world.url}?token=${header}`, { method: 'POST', headers }, response => {
      response.resume().on('end', resolve)
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ data: [body] }))
  })
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map(name => join(dir, name))
    .filter(path => statSync(path).isFile())
}
