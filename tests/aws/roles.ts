/** Roles that services take: moto keeps them, here they take a while to arrive everywhere, as in IAM. */
import { type Action, formOf, type Request } from './actions.ts'
import type { Answer, Moto } from './moto.ts'

/** After these a service may not see the role as it is now. */
const changing = new Set(['CreateRole', 'PutRolePolicy', 'AttachRolePolicy', 'UpdateAssumeRolePolicy'])

export class Roles {
  readonly #moto: Moto
  readonly #settleMs: () => number
  readonly #changed = new Map<string, number>()

  constructor(moto: Moto, settleMs: () => number) {
    this.#moto = moto
    this.#settleMs = settleMs
  }

  async answer({ action }: Action, request: Request): Promise<Answer> {
    const answer = await this.#moto.pass({ ...request, path: request.target })
    const name = formOf(request).get('RoleName')
    if (name && answer.status === 200 && changing.has(action)) this.#changed.set(name, performance.now())
    return answer
  }

  /** Whether it exists, has arrived, and trusts this service. */
  async canAssume(role: string, service: string): Promise<boolean> {
    const name = role.split('/').at(-1) ?? ''
    if (performance.now() - (this.#changed.get(name) ?? -Infinity) < this.#settleMs()) return false
    const { status, body } = await this.#moto.ask('iam', 'us-east-1', {
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `Action=GetRole&Version=2010-05-08&RoleName=${encodeURIComponent(name)}`,
    })
    const [, trust = ''] = /<AssumeRolePolicyDocument>(.*?)<\//s.exec(body.toString()) ?? []
    return status === 200 && decodeURIComponent(trust).includes(`"${service}"`)
  }

  clear(): void {
    this.#changed.clear()
  }
}
