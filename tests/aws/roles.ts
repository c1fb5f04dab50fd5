/** Roles that services take: moto keeps them, here they take a while to arrive everywhere, as in IAM. */
import { type Action, formOf, type Request } from './actions.ts'
import { type Answer, type Moto, textsOf } from './moto.ts'
import type { Policy } from './permissions.ts'

/** After these a service may not see the role as it is now. */
const changing = new Set(['CreateRole', 'PutRolePolicy', 'AttachRolePolicy', 'UpdateAssumeRolePolicy'])

export class Roles {
  readonly #moto: Moto
  readonly #settleMs: () => number
  readonly #changed = new Map<string, number>()
  /** Until somebody changes anything: a function that logs would ask for them with every line. */
  readonly #policies = new Map<string, Promise<readonly Policy[]>>()

  constructor(moto: Moto, settleMs: () => number) {
    this.#moto = moto
    this.#settleMs = settleMs
  }

  async answer({ action, writing }: Action, request: Request): Promise<Answer> {
    const answer = await this.#moto.pass({ ...request, path: request.target })
    if (writing) this.#policies.clear()
    const name = formOf(request).get('RoleName')
    if (name && answer.status === 200 && changing.has(action)) this.#changed.set(name, performance.now())
    return answer
  }

  /** Whether it exists, has arrived, and trusts this service. */
  async canAssume(role: string, service: string): Promise<boolean> {
    const name = role.split('/').at(-1) ?? ''
    if (performance.now() - (this.#changed.get(name) ?? -Infinity) < this.#settleMs()) return false
    const [trust = ''] = await this.#read('GetRole', { RoleName: name }, 'AssumeRolePolicyDocument')
    return decodeURIComponent(trust).includes(`"${service}"`)
  }

  /** The policies that stand in the role itself; nobody here knows those that Amazon manages. */
  policiesOf(role: string): Promise<readonly Policy[]> {
    const known = this.#policies.get(role) ?? this.#readPolicies(role)
    this.#policies.set(role, known)
    return known
  }

  async #readPolicies(role: string): Promise<readonly Policy[]> {
    const RoleName = role.split('/').at(-1) ?? ''
    const names = await this.#read('ListRolePolicies', { RoleName }, 'member')
    const documents = await Promise.all(
      names.map(PolicyName => this.#read('GetRolePolicy', { RoleName, PolicyName }, 'PolicyDocument')),
    )
    return documents.flat().map(text => JSON.parse(decodeURIComponent(text)) as Policy)
  }

  /** The texts of an element in the answer of IAM; none when it refuses. */
  async #read(action: string, input: Readonly<Record<string, string>>, element: string): Promise<string[]> {
    const { status, body } = await this.#moto.ask('iam', 'us-east-1', {
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ Action: action, Version: '2010-05-08', ...input }).toString(),
    })
    return status === 200 ? textsOf(body.toString(), element) : []
  }

  clear(): void {
    this.#changed.clear()
    this.#policies.clear()
  }
}
